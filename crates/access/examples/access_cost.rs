//! Measures what access costs a call: `cargo run --release -p yizhan-access --example access_cost`.
//!
//! Processor time of this thread, so that other load on the machine hardly counts. Linux only.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program to be run by hand")]

use std::sync::Arc;
use yizhan_access::{Access, Ask, KeyRequest, LimitSettings, Limits, MemoryLimiter, Role};
use yizhan_domain::{Money, TenantId};
use yizhan_store::{AccountId, MemoryStore};

const LIMITS: &str = r#"
    tenant = { requests_per_second = 1000000, burst = 10000000, tokens_per_minute = 1000000000, money_per_month = 1000000 }
    project = { requests_per_second = 1000000, burst = 10000000, tokens_per_minute = 1000000000, money_per_month = 1000000 }
    user = { requests_per_second = 1000000, burst = 10000000, tokens_per_minute = 1000000000, money_per_day = 1000000 }
    key = { requests_per_second = 1000000, burst = 10000000, tokens_per_minute = 1000000000, concurrent_requests = 1000, money_per_day = 1000000 }
"#;

/// Enough that the kernel's accounting, which is by the tick, does not matter.
const CALLS: u64 = 200_000;
const RUNS: usize = 9;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let store = Arc::new(MemoryStore::new());
    let settings: LimitSettings = toml::from_str(LIMITS).unwrap();
    let limiter = MemoryLimiter::new(Some(store.clone()), settings.utc_offset);
    let access = Access::new(store).with_limits(settings, Arc::new(limiter)).unwrap();
    let tenant = TenantId::default_tenant();
    for id in [AccountId::Project(tenant.clone(), "web".into()), AccountId::User(tenant.clone(), "li".into())] {
        access.create_account(id, "", &Limits::default()).await.unwrap();
    }
    let request = KeyRequest {
        name: "measured".into(),
        role: Some(Role::Application),
        project: Some("web".into()),
        user: Some("li".into()),
        ..KeyRequest::default()
    };
    let (secret, _) = access.issue_key(&tenant, request).await.unwrap();
    let header = format!("Bearer {secret}");
    let principal = access.authenticate(Some(&header)).await.unwrap();
    let ask =
        Ask { model: "qwen-max".into(), prompt_tokens: 300, max_output_tokens: Some(500), money: Money(3_000_000) };

    let mut known = Vec::new();
    let mut limited = Vec::new();
    for _ in 0..RUNS {
        let begin = cpu_nanos();
        for _ in 0..CALLS {
            std::hint::black_box(access.authenticate(Some(&header)).await.unwrap());
        }
        let middle = cpu_nanos();
        for _ in 0..CALLS {
            access.reserve(&principal, &ask).await.unwrap().settle(420, Money(1_700_000));
        }
        known.push((middle - begin) / CALLS);
        limited.push((cpu_nanos() - middle) / CALLS);
    }
    println!("authenticate a remembered key: {} ns (best), {} ns (median)", least(&known), median(&known));
    println!("reserve and settle, 4 subjects: {} ns (best), {} ns (median)", least(&limited), median(&limited));
}

fn cpu_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn least(times: &[u64]) -> u64 {
    *times.iter().min().unwrap()
}

fn median(times: &[u64]) -> u64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() / 2]
}
