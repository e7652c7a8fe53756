//! The limiter of one process keeps the contract, with and without a store that remembers money, and
//! through crashes; several on one store never overshoot together.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

use async_trait::async_trait;
use futures_util::FutureExt;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use yizhan_access::contract::{NOW, Tested, subject};
use yizhan_access::{Claim, Limit, MemoryLimiter, Rate, Subject, UtcOffset, Verdict, limiter_contract_tests};
use yizhan_domain::{Error, Money, Result};
use yizhan_store::{BudgetLine, BudgetStore, Draw, Drawn, ManualClock, MemoryStore};

fn limiter(store: Option<Arc<dyn BudgetStore>>) -> (Tested, MemoryLimiter) {
    let time = ManualClock::at(NOW);
    let limiter = MemoryLimiter::with_clock(store, UtcOffset::default(), time.clock());
    (Tested { limiter: Arc::new(limiter.clone()), time, keep: Box::new(()) }, limiter)
}

mod alone {
    use super::*;
    limiter_contract_tests!(limiter(None).0);
}

mod with_a_store {
    use super::*;
    limiter_contract_tests!(limiter(Some(Arc::new(MemoryStore::new()))).0);
}

fn by_day(limit: i64) -> Subject {
    Subject { per_day: Some(Money(limit)), ..subject("tenant:clinic") }
}

fn line() -> BudgetLine {
    BudgetLine { account: "tenant:clinic".to_owned(), period: "2026-11-22".to_owned() }
}

/// Counts draws, and fails when it is told to.
#[derive(Default)]
struct Watched {
    store: MemoryStore,
    draws: AtomicUsize,
    fails: AtomicBool,
}

#[async_trait]
impl BudgetStore for Watched {
    async fn draw(&self, holder: &str, draws: Vec<Draw>) -> Result<Vec<Drawn>> {
        self.draws.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::io("Drawing", "the disk is full"));
        }
        // Other callers get their turn, as while a real store writes.
        tokio::task::yield_now().await;
        self.store.draw(holder, draws).await
    }
    async fn spent(&self, line: &BudgetLine) -> Result<Money> {
        self.store.spent(line).await
    }
    async fn set_spent(&self, line: &BudgetLine, amount: Money) -> Result<()> {
        self.store.set_spent(line, amount).await
    }
    async fn forget_period(&self, period: &str) -> Result<()> {
        self.store.forget_period(period).await
    }
}

/// Takes and settles a cost again and again; what was spent until the first refusal.
async fn spend(tested: &Tested, limited: &Subject, most: i64, cost: i64) -> i64 {
    let mut spent = 0;
    while let Ok(hold) = tested.reserve(&[limited], 0, most).await {
        hold.settle(0, Money(cost));
        spent += cost;
        tokio::task::yield_now().await;
    }
    spent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_tasks_of_two_processes_on_one_store_do_not_overshoot() {
    let store = Arc::new(Watched::default());
    let processes = [limiter(Some(store.clone())).0, limiter(Some(store.clone())).0].map(Arc::new);
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let process = processes[number % 2].clone();
            tokio::spawn(async move { spend(&process, &by_day(1_000_000), 900, 500 + number as i64).await })
        })
        .collect();
    let mut spent = 0;
    for task in tasks {
        spent += task.await.unwrap();
    }
    assert!(spent <= 1_000_000, "{spent}");
    assert!(spent >= 1_000_000 - 2 * 900, "{spent}: each process had enough left for a call");
    assert!(store.store.spent(&line()).await.unwrap() <= Money(1_000_000));
}

#[tokio::test]
async fn draws_are_rare_while_there_is_much() {
    let store = Arc::new(Watched::default());
    let (tested, _) = limiter(Some(store.clone()));
    for _ in 0..1000 {
        tested.reserve(&[&by_day(100_000_000)], 0, 1000).await.unwrap().settle(0, Money(1000));
    }
    assert_eq!(store.draws.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_process_that_draws_ahead_never_waits_for_the_store() {
    let store = Arc::new(Watched::default());
    let (tested, process) = limiter(Some(store.clone()));
    let limited = by_day(1_000_000);
    assert!(tested.take(&limited, 0, 100).await);
    for _ in 0..5000 {
        process.draw_ahead().await.unwrap();
        let before = store.draws.load(Ordering::SeqCst);
        assert!(tested.take(&limited, 0, 100).await);
        assert_eq!(store.draws.load(Ordering::SeqCst), before);
    }
}

#[tokio::test]
async fn what_a_killed_process_had_in_hand_stays_spent_until_it_is_corrected() {
    let store: Arc<dyn BudgetStore> = Arc::new(MemoryStore::new());
    let limited = by_day(6400);
    let (killed, _) = limiter(Some(store.clone()));
    killed.reserve(&[&limited], 0, 100).await.unwrap().settle(0, Money(60));
    let under_way = killed.reserve(&[&limited], 0, 200).await.unwrap();
    let in_store = store.spent(&line()).await.unwrap();
    assert!((260..=260 + 6400 / 16).contains(&in_store.0), "{in_store}: spent, promised, and a small part in hand");
    std::mem::forget((killed, under_way));

    let (next, _) = limiter(Some(store.clone()));
    assert_eq!(spend(&next, &limited, 1, 1).await, 6400 - in_store.0);
    store.set_spent(&line(), Money(75)).await.unwrap();
    let (corrected, _) = limiter(Some(store.clone()));
    assert_eq!(spend(&corrected, &limited, 1, 1).await, 6400 - 75);
}

#[tokio::test]
async fn what_is_in_hand_is_given_back_at_the_end_and_when_idle() {
    let store: Arc<dyn BudgetStore> = Arc::new(MemoryStore::new());
    let (one, process) = limiter(Some(store.clone()));
    let limited = by_day(10_000);
    one.reserve(&[&limited], 0, 500).await.unwrap().settle(0, Money(300));
    process.give_back_idle().await.unwrap();
    assert!(store.spent(&line()).await.unwrap() > Money(300), "it was used a moment ago");
    process.give_back_idle().await.unwrap();
    assert_eq!(store.spent(&line()).await.unwrap(), Money(300));
    assert!(one.take(&limited, 0, 200).await);
    process.give_back_all().await.unwrap();
    assert_eq!(store.spent(&line()).await.unwrap(), Money(500), "what a call holds stays");
}

#[tokio::test]
async fn a_day_that_is_over_is_settled_in_the_store() {
    let store: Arc<dyn BudgetStore> = Arc::new(MemoryStore::new());
    let (tested, process) = limiter(Some(store.clone()));
    let limited = by_day(1000);
    let hold = tested.reserve(&[&limited], 0, 700).await.unwrap();
    tested.time.advance(std::time::Duration::from_secs(86_400));
    assert!(tested.take(&limited, 0, 1000).await);
    hold.settle(0, Money(250));
    process.give_back_idle().await.unwrap();
    assert_eq!(store.spent(&line()).await.unwrap(), Money(250));
}

#[tokio::test]
async fn a_call_that_goes_away_while_the_store_is_asked_takes_nothing() {
    let store = Arc::new(Watched::default());
    let (tested, _) = limiter(Some(store.clone()));
    let limited = by_day(1000);
    for _ in 0..10 {
        // Polled once, so that it waits for the store, and dropped.
        assert!(tested.reserve(&[&limited], 0, 100).now_or_never().is_none());
    }
    assert_eq!(spend(&tested, &limited, 100, 100).await, 1000);
}

#[tokio::test]
async fn a_store_that_fails_is_an_error_and_takes_nothing() {
    let store = Arc::new(Watched::default());
    let (tested, _) = limiter(Some(store.clone()));
    let limited = Subject { tokens_per_minute: Some(100), ..by_day(1000) };
    store.fails.store(true, Ordering::SeqCst);
    let claim = || Claim { subjects: vec![Arc::new(limited.clone())], tokens: 10, money: Money(10) };
    assert!(tested.limiter.reserve(claim()).await.is_err());
    assert_eq!(tested.tokens_left(&limited).await, 100);
    store.fails.store(false, Ordering::SeqCst);
    assert!(tested.limiter.reserve(claim()).await.is_err());
    assert_eq!(store.draws.load(Ordering::SeqCst), 1, "it is not asked again at once");
    tested.time.advance(std::time::Duration::from_secs(1));
    assert!(matches!(tested.limiter.reserve(claim()).await, Ok(Verdict::Held(_))));
}

fn any_subject(number: usize) -> impl Strategy<Value = Subject> {
    let rate = proptest::option::of((1u32..6).prop_map(|rate| Rate::new(f64::from(rate), None)));
    let money = || proptest::option::of((0i64..200).prop_map(Money));
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

/// What is to be seen of each subject.
async fn view(tested: &Tested, subjects: &[Subject]) -> String {
    let mut seen = String::new();
    for subject in subjects {
        seen += &format!("{:?}", tested.limiter.standing(&[Arc::new(subject.clone())]).await.unwrap());
    }
    seen
}

async fn all_or_nothing(
    subjects: &[Subject],
    steps: &[(Vec<usize>, u64, i64, bool, u64)],
) -> std::result::Result<(), TestCaseError> {
    let (tested, _) = limiter(Some(Arc::new(MemoryStore::new())));
    let mut held = Vec::new();
    // Of each subject: calls under way, and money spent or promised.
    let mut running = [0u64; 3];
    let mut money = [0i64; 3];
    for (chosen, tokens, cost, ends, wait) in steps {
        let claimed: Vec<&Subject> = chosen.iter().map(|number| &subjects[*number]).collect();
        let before = view(&tested, subjects).await;
        match tested.reserve(&claimed, *tokens, *cost).await {
            Ok(hold) => {
                for number in chosen {
                    running[*number] += 1;
                    money[*number] += cost;
                    let own = &subjects[*number];
                    prop_assert!(own.concurrent.is_none_or(|limit| running[*number] <= limit));
                    prop_assert!(own.per_day.is_none_or(|limit| money[*number] <= limit.0));
                    prop_assert!(own.per_month.is_none_or(|limit| money[*number] <= limit.0));
                }
                held.push((chosen, *cost, hold));
            }
            Err(refusal) => {
                prop_assert_eq!(before, view(&tested, subjects).await);
                let own = claimed.iter().position(|subject| subject.id == refusal.subject.id).unwrap();
                let number = chosen[own];
                match refusal.limit {
                    Limit::Concurrency => prop_assert_eq!(Some(running[number]), subjects[number].concurrent),
                    Limit::Day => prop_assert!(money[number] + cost > subjects[number].per_day.unwrap().0),
                    Limit::Month => prop_assert!(money[number] + cost > subjects[number].per_month.unwrap().0),
                    Limit::Requests | Limit::Tokens => {}
                }
            }
        }
        if *ends && !held.is_empty() {
            let (chosen, cost, hold) = held.remove(0);
            hold.settle(1, Money(cost / 2));
            for number in chosen {
                running[*number] -= 1;
                money[*number] -= cost - cost / 2;
            }
        }
        tested.time.advance(std::time::Duration::from_millis(*wait));
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_claim_takes_from_all_or_from_none(
        subjects in (any_subject(0), any_subject(1), any_subject(2)),
        steps in proptest::collection::vec(
            (proptest::sample::subsequence(vec![0usize, 1, 2], 1..=3), 0u64..60, 0i64..60, any::<bool>(), 0u64..2000),
            1..40,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let subjects = [subjects.0, subjects.1, subjects.2];
        runtime.block_on(all_or_nothing(&subjects, &steps))?;
    }
}
