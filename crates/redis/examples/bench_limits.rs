//! What a reservation with its settlement costs: in memory, and in a Redis on this machine.
//!
//! `bench/limits/run [REDIS_URL]`; processor time is this process's own, Redis's is told apart.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first fault")]

use std::sync::Arc;
use std::time::{Duration, Instant};
use yizhan_access::{Claim, Limiter, MemoryLimiter, Rate, Subject, UtcOffset, Verdict};
use yizhan_domain::{CallId, Money};
use yizhan_redis::{RedisLimiter, RedisSettings};

const CALLS: u32 = 20_000;

fn subject(id: &str) -> Arc<Subject> {
    Arc::new(Subject {
        id: id.into(),
        tenant: "bench".into(),
        label: String::new(),
        requests: Some(Rate::new(1_000_000.0, None)),
        tokens_per_minute: None,
        concurrent: None,
        per_day: None,
        per_month: None,
    })
}

/// The default: requests of the tenant alone; and everything, of a tenant, a project and a key.
fn claims() -> [(&'static str, Vec<Arc<Subject>>); 2] {
    let full = |id| {
        Arc::new(Subject {
            tokens_per_minute: Some(1 << 40),
            concurrent: Some(1000),
            per_day: Some(Money(1 << 60)),
            per_month: Some(Money(1 << 60)),
            ..(*subject(id)).clone()
        })
    };
    [
        ("requests of a tenant", vec![subject("tenant:bench")]),
        ("all limits of three", vec![full("tenant:full"), full("project:full/web"), full("key:full")]),
    ]
}

fn cpu() -> Duration {
    // SAFETY: `usage` is plain data that the call fills; zeros are a valid value of it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    Duration::from_micros(micros(usage.ru_utime) + micros(usage.ru_stime))
}

async fn measure(name: &str, limiter: Arc<dyn Limiter>, subjects: &[Arc<Subject>], tasks: u32) {
    let (begin, cpu_before) = (Instant::now(), cpu());
    let calls = |_| {
        let (limiter, subjects) = (limiter.clone(), subjects.to_vec());
        tokio::spawn(async move {
            for _ in 0..CALLS / tasks {
                let claim = Claim { subjects: subjects.clone(), tokens: 600, money: Money(1000) };
                let Verdict::Held(hold) = limiter.reserve(claim).await.unwrap() else { panic!("refused") };
                hold.settle(500, Money(800));
            }
        })
    };
    for task in (0..tasks).map(calls).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(CALLS);
    let (cpu, wall) = (each(cpu() - cpu_before), each(begin.elapsed()));
    println!(
        "{name:36} {tasks:3} tasks: {cpu:7.2} µs CPU, {wall:7.2} µs wall a call, {:6.2} ms wall waited",
        wall * f64::from(tasks) / 1e3
    );
}

/// Processor time of the Redis itself.
async fn server_cpu(client: &redis::Client) -> f64 {
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let info: String = redis::cmd("INFO").arg("cpu").query_async(&mut connection).await.unwrap();
    let of = |name: &str| -> f64 {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok()).unwrap_or(0.0)
    };
    of("used_cpu_sys") + of("used_cpu_user")
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    for (name, subjects) in claims() {
        let memory = Arc::new(MemoryLimiter::new(None, UtcOffset::default()));
        measure(&format!("memory, {name}"), memory, &subjects, 1).await;
        let client = redis::Client::open(url.as_str()).unwrap();
        let settings =
            RedisSettings { prefix: format!("{}:", CallId::random()), timeout_ms: 5000, ..RedisSettings::new(&url) };
        let limiter = RedisLimiter::new(settings, UtcOffset::default(), None).unwrap();
        limiter.connect().await.unwrap();
        let behind = limiter.clone();
        let task = tokio::spawn(async move { behind.run().await });
        for tasks in [1, 64] {
            let before = server_cpu(&client).await;
            measure(&format!("Redis, {name}"), Arc::new(limiter.clone()), &subjects, tasks).await;
            limiter.finish(Duration::from_secs(10)).await.unwrap();
            let used = (server_cpu(&client).await - before) * 1e6 / f64::from(CALLS);
            println!("{:49} {used:7.2} µs CPU of Redis", "");
        }
        task.abort();
    }
}
