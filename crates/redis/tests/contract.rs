//! The limiter on Redis keeps the contract of all limiters: alone, with a store that remembers money, and on a
//! cluster; and does step by step what the limiter in memory does.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

mod common;

use common::{Server, tested, tested_with};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::sync::Arc;
use std::time::Duration;
use yizhan_access::contract::{NOW, Tested, subject};
use yizhan_access::{MemoryLimiter, Rate, Standing, Subject, UtcOffset, limiter_contract_tests};
use yizhan_domain::{CallId, Money};
use yizhan_redis::RedisSettings;
use yizhan_store::{ManualClock, MemoryStore};

mod alone {
    use super::*;
    limiter_contract_tests!(tested(Server::start(), None).await);
}

mod with_a_store {
    use super::*;
    limiter_contract_tests!(tested(Server::start(), Some(Arc::new(MemoryStore::new()))).await);
}

/// A cluster of one refuses what would not be in one place in a larger one.
mod on_a_cluster {
    use super::*;
    // Each step of the script once: a cluster takes seconds to be ready.
    limiter_contract_tests! { @each cluster().await;
        a_top_up_is_all_or_nothing_and_settles_with_the_rest, a_refused_subject_leaves_the_others_untouched,
    }

    async fn cluster() -> Tested {
        let directory = tempfile::tempdir().unwrap();
        let nodes = directory.path().join("nodes.conf");
        let server = Server::with(&["--cluster-enabled", "yes", "--cluster-config-file", nodes.to_str().unwrap()]);
        server.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
        common::until("the cluster is ready", async || {
            format!("{:?}", server.command(&["CLUSTER", "INFO"]).await).contains("cluster_state:ok")
        })
        .await;
        let mut tested = tested(server, None).await;
        tested.keep = Box::new((tested.keep, directory));
        tested
    }
}

/// What to do with three subjects.
#[derive(Clone, Debug)]
enum Step {
    Reserve(Vec<usize>, u64, i64),
    TopUp(usize, u64, i64),
    Settle(usize, u64, i64),
    Wait(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let chosen = proptest::sample::subsequence(vec![0usize, 1, 2], 1..=3);
    prop_oneof![
        4 => (chosen, 0u64..60, 0i64..60).prop_map(|(chosen, tokens, money)| Step::Reserve(chosen, tokens, money)),
        1 => (0usize..8, 0u64..60, 0i64..60).prop_map(|(which, tokens, money)| Step::TopUp(which, tokens, money)),
        2 => (0usize..8, 0u64..90, 0i64..90).prop_map(|(which, tokens, money)| Step::Settle(which, tokens, money)),
        2 => prop_oneof![0u64..1500, Just(30_000), Just(61_000), Just(86_400_000)].prop_map(Step::Wait),
    ]
}

fn any_subject(number: usize) -> impl Strategy<Value = Subject> {
    let rate =
        proptest::option::of((1u32..6, 1u32..9).prop_map(|(rate, burst)| Rate::new(f64::from(rate), Some(burst))));
    // Amounts beyond the 53 bits of a script's numbers, too.
    let money = || proptest::option::of(prop_oneof![0i64..200, Just(i64::MAX / 4)].prop_map(Money));
    (rate, proptest::option::of(0u64..200), proptest::option::of(0u64..4), money(), money()).prop_map(
        move |(requests, tokens_per_minute, concurrent, per_day, per_month)| Subject {
            requests,
            tokens_per_minute,
            concurrent,
            per_day,
            per_month,
            ..subject(&format!("subject {number}"))
        },
    )
}

/// Everything that can be seen while these steps are done.
async fn seen(tested: &Tested, subjects: &[Subject], steps: &[Step]) -> Vec<String> {
    let (mut held, mut seen) = (Vec::new(), Vec::new());
    for step in steps {
        seen.push(match step.clone() {
            Step::Reserve(chosen, tokens, money) => {
                let chosen: Vec<&Subject> = chosen.iter().map(|number| &subjects[*number]).collect();
                match tested.reserve(&chosen, tokens, money).await {
                    Ok(hold) => {
                        held.push(hold);
                        format!("held {:?}", held.last().map(|hold| hold.standing()))
                    }
                    Err(refusal) => format!("{refusal:?}"),
                }
            }
            Step::TopUp(which, tokens, money) => match held.get_mut(which) {
                Some(hold) => format!("{:?}", hold.top_up(tokens, Money(money)).await.unwrap()),
                None => String::new(),
            },
            Step::Settle(which, tokens, money) if which < held.len() => {
                held.remove(which).settle(tokens, Money(money));
                String::new()
            }
            Step::Settle(..) => String::new(),
            Step::Wait(millis) => {
                tested.time.advance(Duration::from_millis(millis));
                String::new()
            }
        });
        for subject in subjects {
            let standing: Standing = tested.limiter.standing(&[Arc::new(subject.clone())]).await.unwrap();
            seen.push(format!("{step:?}: {} {standing:?}", subject.id));
            let used = tested.limiter.used(&[Arc::new(subject.clone())]).await.unwrap();
            seen.push(format!("{step:?}: {} {used:?}", subject.id));
        }
    }
    seen
}

#[test]
fn it_does_what_the_limiter_in_memory_does() {
    // One server for all cases, and keys of its own for each.
    let server = Server::start();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) };
    let subjects = (any_subject(0), any_subject(1), any_subject(2));
    let steps = proptest::collection::vec(any_step(), 1..40);
    let outcome = TestRunner::new(config).run(&(subjects, steps), |(subjects, steps)| {
        let subjects = [subjects.0, subjects.1, subjects.2];
        let settings = RedisSettings { prefix: format!("{}:", CallId::random()), ..server.settings() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (redis, memory) = runtime.block_on(async {
            let time = ManualClock::at(NOW);
            let limiter = MemoryLimiter::with_clock(None, UtcOffset::default(), time.clock());
            let memory = Tested { limiter: Arc::new(limiter), time, keep: Box::new(()) };
            let redis = tested_with(settings, None).await;
            (seen(&redis, &subjects, &steps).await, seen(&memory, &subjects, &steps).await)
        });
        let differs = redis.iter().zip(&memory).find(|(redis, memory)| redis != memory);
        prop_assert!(differs.is_none(), "in Redis and in memory: {differs:#?}");
        Ok(())
    });
    outcome.unwrap();
}
