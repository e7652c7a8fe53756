//! Several replicas on one Redis, in real time: together they keep the limits of one; what a dead one held comes
//! back; and Redis may hang, die, return empty or forget the script.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

mod common;

use common::{Running, Server, by_day, concurrent, running, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use yizhan_access::contract::subject;
use yizhan_access::{
    Access, Ask, Claim, Hold, Limit, LimitSettings, Limiter, Limits, OnFailure, Principal, Rate, Refusal, Scope,
    Subject, UtcOffset, Verdict,
};
use yizhan_domain::{ErrorCode, Money, TenantId};
use yizhan_redis::{RedisLimiter, RedisSettings};
use yizhan_store::{BudgetLine, BudgetStore, MemoryStore};

async fn reserve(limiter: &RedisLimiter, subject: &Subject, tokens: u64, money: i64) -> Result<Box<dyn Hold>, Refusal> {
    let claim = Claim { subjects: vec![Arc::new(subject.clone())], tokens, money: Money(money) };
    match limiter.reserve(claim).await.unwrap() {
        Verdict::Held(hold) => Ok(hold),
        Verdict::Refused(refusal) => Err(refusal),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_together_keep_the_rate_of_one() {
    let server = Server::start();
    let replicas = [server.limiter().await, server.limiter().await];
    let limited = Subject { requests: Some(Rate::new(400.0, Some(40))), ..subject("tenant:clinic") };
    let (begun, begin) = (Arc::new(AtomicU64::new(0)), Instant::now());
    // Windows of 100 ms, the first of which is full at once: 16 of them.
    let length = Duration::from_millis(1550);
    let task = |number: usize| {
        let (limiter, limited, begun) = (replicas[number % 2].limiter.clone(), limited.clone(), begun.clone());
        tokio::spawn(async move {
            while begin.elapsed() < length {
                match reserve(&limiter, &limited, 0, 0).await {
                    Ok(hold) => {
                        begun.fetch_add(1, Ordering::SeqCst);
                        hold.settle(0, Money::ZERO);
                    }
                    // As a client does that was told when to come again.
                    Err(refusal) => tokio::time::sleep(refusal.retry_after.unwrap()).await,
                }
            }
        })
    };
    for task in (0..64).map(task).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let begun = begun.load(Ordering::SeqCst);
    assert!((627..=640).contains(&begun), "{begun} of 640");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_with_sixty_four_tasks_each_never_overshoot_a_budget() {
    let server = Server::start();
    let replicas = [server.limiter().await, server.limiter().await];
    let limited = Subject { per_month: Some(Money(900_000)), ..by_day(1_000_000) };
    let task = |number: usize| {
        let (limiter, limited) = (replicas[number % 2].limiter.clone(), limited.clone());
        tokio::spawn(async move {
            let mut spent = 0;
            while let Ok(mut hold) = reserve(&limiter, &limited, 0, 900).await {
                let cost = 500 + number as i64;
                let more = hold.top_up(0, Money(100)).await.unwrap().is_none();
                let cost = if more { cost + 400 } else { cost };
                hold.settle(0, Money(cost));
                spent += cost;
            }
            spent
        })
    };
    let mut spent = 0;
    for task in (0..128).map(task).collect::<Vec<_>>() {
        spent += task.await.unwrap();
    }
    assert!(spent <= 900_000, "{spent}");
    assert!(spent > 900_000 - 128 * 1000, "{spent}");
    until("everything is settled", async || replicas.iter().all(|replica| replica.limiter.counters().pending == 0))
        .await;
    assert!(replicas.iter().all(|replica| replica.limiter.counters().lost == 0), "nothing cut the connection");
    // What is left is exact: not a unit was lost on the way.
    let left = 900_000 - spent;
    assert_eq!(reserve(&replicas[0].limiter, &limited, 0, left + 1).await.err().unwrap().limit, Limit::Month);
    assert!(reserve(&replicas[1].limiter, &limited, 0, left).await.is_ok());
}

#[tokio::test]
async fn the_calls_of_a_dead_replica_run_out_and_those_of_a_living_one_do_not() {
    let server = Server::start();
    let with_lease = async || {
        let settings = RedisSettings { lease_seconds: 1, ..server.settings() };
        running(RedisLimiter::new(settings, UtcOffset::default(), None).unwrap()).await
    };
    let (dead, living) = (with_lease().await, with_lease().await);
    let limited = concurrent(2);
    let lost = reserve(&dead.limiter, &limited, 0, 0).await.ok().unwrap();
    let kept = reserve(&living.limiter, &limited, 0, 0).await.ok().unwrap();
    // As after `kill -9`: nothing is settled, nothing renewed.
    dead.task.abort();
    std::mem::forget(lost);
    let begin = Instant::now();
    assert_eq!(reserve(&living.limiter, &limited, 0, 0).await.err().unwrap().limit, Limit::Concurrency);
    let next = std::sync::Mutex::new(None);
    until("the dead one's place is free", async || {
        let free = reserve(&living.limiter, &limited, 0, 0).await.ok();
        let is_free = free.is_some();
        *next.lock().unwrap() = free;
        is_free
    })
    .await;
    let waited = begin.elapsed();
    assert!((800..2000).contains(&waited.as_millis()), "{waited:?}");
    // More than a lease later by the server's own clock, which no test can move, the living one still holds its first.
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(reserve(&living.limiter, &limited, 0, 0).await.is_err());
    kept.settle(0, Money::ZERO);
    assert!(reserve(&living.limiter, &limited, 0, 0).await.is_ok());
}

#[tokio::test]
async fn a_redis_that_forgot_the_script_is_told_again() {
    let server = Server::start();
    let replica = server.limiter().await;
    let limited = by_day(1000);
    for _ in 0..3 {
        reserve(&replica.limiter, &limited, 0, 300).await.ok().unwrap().settle(0, Money(300));
        server.command(&["SCRIPT", "FLUSH"]).await;
    }
    assert!(reserve(&replica.limiter, &limited, 0, 101).await.is_err());
    assert!(reserve(&replica.limiter, &limited, 0, 100).await.is_ok());
}

#[tokio::test]
async fn a_redis_that_hangs_holds_nobody_up_and_what_was_in_doubt_comes_back() {
    let server = Server::start();
    let settings = RedisSettings { timeout_ms: 50, ..server.settings() };
    let replica = running(RedisLimiter::new(settings, UtcOffset::default(), None).unwrap()).await;
    let limited = Subject { tokens_per_minute: Some(1000), concurrent: Some(8), ..by_day(1000) };
    let held = reserve(&replica.limiter, &limited, 100, 100).await.ok().unwrap();
    server.signal(libc::SIGSTOP);
    let claim = || Claim { subjects: vec![Arc::new(limited.clone())], tokens: 10, money: Money(10) };
    for _ in 0..50 {
        let begin = Instant::now();
        assert_eq!(replica.limiter.reserve(claim()).await.err().unwrap().code(), ErrorCode::Io);
        assert!(begin.elapsed() < Duration::from_millis(150), "{:?}", begin.elapsed());
    }
    held.settle(30, Money(30));
    assert!(!replica.limiter.counters().connected && replica.limiter.counters().pending > 0);
    server.signal(libc::SIGCONT);
    until("it is connected and settled", async || {
        let counters = replica.limiter.counters();
        counters.connected && counters.pending == 0
    })
    .await;
    until("what was in doubt is given back", async || {
        let standing = replica.limiter.standing(&[Arc::new(limited.clone())]).await;
        standing.is_ok_and(|standing| standing.tokens.unwrap().remaining == 970)
    })
    .await;
    assert!(reserve(&replica.limiter, &limited, 0, 971).await.is_err());
    for _ in 0..8 {
        std::mem::forget(reserve(&replica.limiter, &limited, 0, 0).await.ok().unwrap());
    }
    assert_eq!(replica.limiter.counters().dropped, 0);
}

async fn access(replica: &Running, on_failure: OnFailure) -> (Access, Principal) {
    let tenant: Limits =
        toml::from_str("requests_per_second = 1000000\nmoney_per_day = 1000\nconcurrent_requests = 64").unwrap();
    let limits = LimitSettings { on_failure, tenant, ..LimitSettings::default() };
    let access = Access::new(Arc::new(MemoryStore::new()));
    let access = access.with_limits(limits, Arc::new(replica.limiter.clone())).unwrap();
    let (secret, _) = access.issue(&TenantId::default_tenant(), "test", &[Scope::Inference]).await.unwrap();
    let principal = access.authenticate(Some(&format!("Bearer {secret}"))).await.unwrap();
    (access, principal)
}

/// Calls go on while Redis is killed and started again; what was let through and refused meanwhile.
async fn under_load(on_failure: OnFailure) -> (u64, u64) {
    let mut server = Server::start();
    let settings = RedisSettings { timeout_ms: 100, ..server.settings() };
    let replica = running(RedisLimiter::new(settings, UtcOffset::default(), None).unwrap()).await;
    let (access, principal) = access(&replica, on_failure).await;
    let ask = Ask { model: "qwen".into(), prompt_tokens: 10, max_output_tokens: Some(10), money: Money(1000) };
    let (access, stop, is_away) =
        (Arc::new(access), Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (through, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let ended = Arc::new(AtomicU64::new(0));
    // At most 16 of them had begun before: one of each task.
    let more_calls = async || {
        let enough = ended.load(Ordering::SeqCst) + 160;
        until("calls go on", async || ended.load(Ordering::SeqCst) >= enough).await;
    };
    let task = |_| {
        let (access, principal, ask, stop) = (access.clone(), principal.clone(), ask.clone(), stop.clone());
        let (is_away, through, refused, ended) = (is_away.clone(), through.clone(), refused.clone(), ended.clone());
        tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            while !stop.load(Ordering::SeqCst) {
                let (begin, was_away) = (Instant::now(), is_away.load(Ordering::SeqCst));
                match access.reserve(&principal, &ask).await {
                    Ok(permit) => {
                        through.fetch_add(u64::from(was_away), Ordering::SeqCst);
                        permit.settle(15, Money(700));
                    }
                    Err(error) => {
                        assert_eq!(error.code(), ErrorCode::Overloaded, "{error}");
                        refused.fetch_add(u64::from(was_away), Ordering::SeqCst);
                    }
                }
                longest = longest.max(begin.elapsed());
                ended.fetch_add(1, Ordering::SeqCst);
                // A pause between two calls: the load is bounded.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            longest
        })
    };
    let tasks: Vec<_> = (0..16).map(task).collect();
    more_calls().await;
    server.kill();
    until("the loss is noticed", async || !replica.limiter.counters().connected).await;
    is_away.store(true, Ordering::SeqCst);
    more_calls().await;
    is_away.store(false, Ordering::SeqCst);
    // Those that began while it was away have ended.
    more_calls().await;
    let counted = (through.load(Ordering::SeqCst), refused.load(Ordering::SeqCst));
    server.restart();
    let begin = Instant::now();
    until("it is connected again", async || replica.limiter.counters().connected).await;
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    let failures = replica.limiter.counters().failures;
    more_calls().await;
    assert_eq!(replica.limiter.counters().failures, failures, "once it is back it answers");
    stop.store(true, Ordering::SeqCst);
    for task in tasks {
        let longest = task.await.unwrap();
        assert!(longest < Duration::from_millis(250), "a call waited for {longest:?}");
    }
    until("everything is settled", async || replica.limiter.counters().pending == 0).await;
    counted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_and_started_under_load_lets_calls_through_if_open() {
    let (through, refused) = under_load(OnFailure::Open).await;
    assert!(through > 100 && refused == 0, "{through} {refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_and_started_under_load_refuses_calls_if_closed() {
    let (through, refused) = under_load(OnFailure::Closed).await;
    assert!(through == 0 && refused > 100, "{through} {refused}");
}

#[tokio::test]
async fn a_redis_that_was_emptied_is_told_what_was_spent() {
    let server = Server::start();
    let store: Arc<dyn BudgetStore> = Arc::new(MemoryStore::new());
    let replica = async || {
        running(RedisLimiter::new(server.settings(), UtcOffset::default(), Some(store.clone())).unwrap()).await
    };
    let (one, other) = (replica().await, replica().await);
    let limited = Subject { per_month: Some(Money(1000)), ..subject("tenant:clinic") };
    for replica in [&one, &other] {
        reserve(&replica.limiter, &limited, 0, 400).await.ok().unwrap().settle(0, Money(300));
        replica.limiter.finish(Duration::from_secs(5)).await.unwrap();
    }
    server.command(&["FLUSHALL"]).await;
    assert!(reserve(&one.limiter, &limited, 0, 401).await.is_err());
    let hold = reserve(&other.limiter, &limited, 0, 400).await.ok().unwrap();
    hold.settle(0, Money(50));
    other.limiter.finish(Duration::from_secs(5)).await.unwrap();
    let name = server.keys().await.into_iter().find(|key| key.ends_with(":m")).unwrap();
    let fields: Vec<String> = redis::from_redis_value(server.command(&["HGETALL", &name]).await).unwrap();
    assert_eq!(fields[1], "650");
    let line = BudgetLine { account: "tenant:clinic".to_owned(), period: fields[0].clone() };
    assert_eq!(store.spent(&line).await.unwrap(), Money(650));
}

#[tokio::test]
async fn every_key_is_forgotten_some_day_and_has_the_tenants_tag() {
    let server = Server::start();
    let replica = server.limiter().await;
    let limited = Subject {
        requests: Some(Rate::new(10.0, None)),
        tokens_per_minute: Some(1000),
        concurrent: Some(8),
        per_month: Some(Money(1000)),
        ..by_day(1000)
    };
    let hold = reserve(&replica.limiter, &limited, 10, 10).await.ok().unwrap();
    let keys = server.keys().await;
    assert_eq!(keys.len(), 7, "{keys:?}");
    hold.settle(20, Money(20));
    replica.limiter.finish(Duration::from_secs(5)).await.unwrap();
    for key in keys.iter().chain(&server.keys().await) {
        assert!(key.starts_with("yizhan:{clinic}:"), "{key}");
        let left: i64 = redis::from_redis_value(server.command(&["PTTL", key]).await).unwrap();
        assert!(left > 0 || left == -2, "{key} stays for ever");
    }
}

#[tokio::test]
async fn a_settlement_that_comes_twice_or_before_its_call_is_done_once() {
    let server = Server::start();
    let replica = server.limiter().await;
    let limited = by_day(1000);
    let hold = reserve(&replica.limiter, &limited, 0, 600).await.ok().unwrap();
    // The connection is cut again and again while settlements are on their way.
    hold.settle(0, Money(200));
    for _ in 0..5 {
        server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
        let claim = Claim { subjects: vec![Arc::new(limited.clone())], tokens: 0, money: Money(100) };
        if let Ok(Verdict::Held(hold)) = replica.limiter.reserve(claim).await {
            hold.settle(0, Money::ZERO);
        }
    }
    until("everything is settled", async || {
        let counters = replica.limiter.counters();
        counters.connected && counters.pending == 0
    })
    .await;
    until("exactly what was used is spent", async || {
        let claim = |money| Claim { subjects: vec![Arc::new(limited.clone())], tokens: 0, money: Money(money) };
        let more = replica.limiter.reserve(claim(801)).await;
        let all = replica.limiter.reserve(claim(800)).await;
        matches!(more, Ok(Verdict::Refused(_))) && matches!(all, Ok(Verdict::Held(_)))
    })
    .await;
}

#[tokio::test]
async fn an_answer_under_way_goes_on_without_redis_if_open_and_ends_if_closed() {
    for (on_failure, ends_with) in [(OnFailure::Open, None), (OnFailure::Closed, Some(ErrorCode::Overloaded))] {
        let mut server = Server::start();
        let replica = server.limiter().await;
        let (access, principal) = access(&replica, on_failure).await;
        let ask = Ask { model: "qwen".into(), prompt_tokens: 10, max_output_tokens: None, money: Money(1000) };
        let mut permit = access.reserve(&principal, &ask).await.unwrap();
        server.kill();
        let outcome = permit.cover(10_000, Money(50_000)).await;
        assert_eq!(outcome.err().map(|error| error.code()), ends_with);
        permit.settle(10_000, Money(50_000));
        assert_eq!(replica.limiter.counters().pending, 1);
    }
}
