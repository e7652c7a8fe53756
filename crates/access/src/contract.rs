//! What every limiter must do, as tests: its crate calls [`limiter_contract_tests!`](crate::limiter_contract_tests)
//! and each behaviour below becomes one test.
//!
//! It does not know which limiter it tests, and never waits: time is moved by hand. Money here is in
//! billionths.
#![allow(clippy::unwrap_used, missing_docs, reason = "these are tests; their names say what they hold a limiter to")]

use crate::{Claim, Hold, Level, Limit, Limiter, Rate, Refusal, Spent, Subject, Used, Verdict};
use futures_util::future::join_all;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use yizhan_domain::Money;
use yizhan_store::ManualClock;

/// 2026-11-22 07:30:00 UTC.
pub const NOW: i64 = 1_795_332_600_000;

/// A limiter under test, with nothing counted at first and days that begin in UTC.
pub struct Tested {
    pub limiter: Arc<dyn Limiter>,
    /// Its clock, at [`NOW`].
    pub time: ManualClock,
    /// What must outlive it.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// A subject without limits.
pub fn subject(id: &str) -> Subject {
    Subject {
        id: id.into(),
        tenant: "clinic".into(),
        label: format!("tenant '{id}'"),
        requests: None,
        tokens_per_minute: None,
        concurrent: None,
        per_day: None,
        per_month: None,
    }
}

impl Tested {
    pub async fn reserve(&self, subjects: &[&Subject], tokens: u64, money: i64) -> Result<Box<dyn Hold>, Refusal> {
        let subjects = subjects.iter().map(|subject| Arc::new((*subject).clone())).collect();
        match self.limiter.reserve(Claim { subjects, tokens, money: Money(money) }).await.unwrap() {
            Verdict::Held(hold) => Ok(hold),
            Verdict::Refused(refusal) => Err(refusal),
        }
    }

    /// Takes and keeps, as a call that is under way.
    pub async fn take(&self, subject: &Subject, tokens: u64, money: i64) -> bool {
        self.reserve(&[subject], tokens, money).await.is_ok()
    }

    pub async fn refused(&self, subjects: &[&Subject], tokens: u64, money: i64) -> Refusal {
        self.reserve(subjects, tokens, money).await.err().expect("the claim should have been refused")
    }

    pub async fn tokens_left(&self, subject: &Subject) -> u64 {
        self.limiter.standing(&[Arc::new(subject.clone())]).await.unwrap().tokens.unwrap().remaining
    }

    fn pass(&self, millis: u64) {
        self.time.advance(Duration::from_millis(millis));
    }
}

fn by_rate(per_second: f64, burst: Option<u32>) -> Subject {
    Subject { requests: Some(Rate::new(per_second, burst)), ..subject("rate") }
}

fn by_tokens(limit: u64) -> Subject {
    Subject { tokens_per_minute: Some(limit), ..subject("tokens") }
}

fn by_day(limit: i64) -> Subject {
    Subject { per_day: Some(Money(limit)), ..subject("day") }
}

/// 1,000 requests a second on a limit of 200: what begins is 200 a second, to one in a hundred.
pub async fn the_rate_is_held_under_load(s: &Tested) {
    let limited = by_rate(200.0, None);
    let mut begun = Vec::new();
    for at in 0..5000 {
        if let Ok(hold) = s.reserve(&[&limited], 0, 0).await {
            begun.push(at);
            hold.settle(0, Money::ZERO);
        }
        s.pass(1);
    }
    for seconds in 1..=5 {
        let count = begun.iter().filter(|at| **at < seconds * 1000).count();
        assert!((count as f64 / (200 * seconds) as f64 - 1.0).abs() <= 0.01, "{count} in {seconds} s");
    }
    for from in 0..4000 {
        let count = begun.iter().filter(|at| (from..from + 1000).contains(*at)).count();
        assert!(count <= 200, "{count} in the second from {from} ms");
    }
}

pub async fn a_burst_comes_at_once_and_waits_for_the_rate(s: &Tested) {
    for (name, rate, burst, span) in
        [("a", 200.0, None, 1000), ("b", 200.0, Some(20), 100), ("c", 0.5, None, 2000), ("d", 2.0, Some(10), 5000)]
    {
        let limited = Subject { id: name.into(), ..by_rate(rate, burst) };
        let count = limited.requests.unwrap().count;
        for _ in 0..count {
            assert!(s.take(&limited, 0, 0).await, "{name}");
        }
        let refusal = s.refused(&[&limited], 0, 0).await;
        assert_eq!((refusal.limit, refusal.retry_after), (Limit::Requests, Some(Duration::from_millis(span))));
        s.pass(span - 1);
        assert!(!s.take(&limited, 0, 0).await, "{name}");
        s.pass(1);
        assert!(s.take(&limited, 0, 0).await, "{name}");
    }
}

pub async fn tokens_are_given_back_when_less_was_used(s: &Tested) {
    let limited = by_tokens(1000);
    let hold = s.reserve(&[&limited], 900, 0).await.unwrap();
    assert_eq!(s.tokens_left(&limited).await, 100);
    assert_eq!(s.refused(&[&limited], 101, 0).await.limit, Limit::Tokens);
    hold.settle(300, Money::ZERO);
    assert_eq!(s.tokens_left(&limited).await, 700);
    s.pass(59_000);
    assert_eq!(s.tokens_left(&limited).await, 700);
    s.pass(2_000);
    assert_eq!(s.tokens_left(&limited).await, 1000);
}

pub async fn a_wait_is_as_long_as_it_takes(s: &Tested) {
    let limited = by_tokens(1000);
    for _ in 0..2 {
        assert!(s.take(&limited, 400, 0).await);
        s.pass(10_000);
    }
    let wait = s.refused(&[&limited], 600, 0).await.retry_after.unwrap();
    assert!((39_000..=41_000).contains(&wait.as_millis()), "{wait:?}");
    s.time.advance(wait);
    assert!(s.take(&limited, 600, 0).await);
}

pub async fn what_never_fits_is_told_so(s: &Tested) {
    let refusal = s.refused(&[&by_tokens(1000)], 1001, 0).await;
    assert_eq!((refusal.limit, refusal.retry_after), (Limit::Tokens, None));
}

pub async fn more_than_was_taken_is_charged(s: &Tested) {
    let limited = by_tokens(1000);
    s.reserve(&[&limited], 100, 0).await.unwrap().settle(700, Money::ZERO);
    assert_eq!(s.tokens_left(&limited).await, 300);
    let limited = by_day(1000);
    s.reserve(&[&limited], 0, 100).await.unwrap().settle(0, Money(1200));
    assert_eq!(s.refused(&[&limited], 0, 1).await.limit, Limit::Day);
}

pub async fn so_many_at_the_same_time(s: &Tested) {
    let limited = Subject { concurrent: Some(2), ..subject("concurrent") };
    let first = s.reserve(&[&limited], 0, 0).await.unwrap();
    let _second = s.reserve(&[&limited], 0, 0).await.unwrap();
    let refusal = s.refused(&[&limited], 0, 0).await;
    assert_eq!(refusal.limit, Limit::Concurrency);
    assert!(refusal.retry_after.is_some());
    first.settle(0, Money::ZERO);
    assert!(s.take(&limited, 0, 0).await);
}

pub async fn a_refused_subject_leaves_the_others_untouched(s: &Tested) {
    let rich = Subject { tokens_per_minute: Some(1000), per_day: Some(Money(1000)), ..by_rate(10.0, None) };
    let poor = Subject { id: "poor".into(), concurrent: Some(0), ..by_tokens(1000) };
    for subjects in [[&rich, &poor], [&poor, &rich]] {
        for _ in 0..20 {
            let refusal = s.refused(&subjects, 500, 500).await;
            assert_eq!((&*refusal.subject.id, refusal.limit), ("poor", Limit::Concurrency));
        }
    }
    let standing = s.limiter.standing(&[Arc::new(rich.clone())]).await.unwrap();
    assert_eq!((standing.requests.unwrap().remaining, standing.tokens.unwrap().remaining), (10, 1000));
    assert!(s.take(&rich, 1000, 1000).await);
}

pub async fn a_budget_is_used_to_the_last_unit_and_no_further(s: &Tested) {
    let limited = by_day(1000);
    for _ in 0..142 {
        assert!(s.take(&limited, 0, 7).await);
    }
    let refusal = s.refused(&[&limited], 0, 7).await;
    assert_eq!(refusal.limit, Limit::Day);
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(16 * 3600 + 1800)));
    assert!(s.take(&limited, 0, 6).await);
    assert!(!s.take(&limited, 0, 1).await);
}

pub async fn money_comes_back_when_less_was_used(s: &Tested) {
    let limited = by_day(1000);
    let hold = s.reserve(&[&limited], 0, 1000).await.unwrap();
    assert!(!s.take(&limited, 0, 1).await);
    hold.settle(0, Money(400));
    let hold = s.reserve(&[&limited], 0, 600).await.unwrap();
    assert!(!s.take(&limited, 0, 1).await);
    hold.settle(0, Money::ZERO);
    assert!(s.take(&limited, 0, 600).await);
}

/// Each sets the most aside, uses less, and comes again until it is refused.
pub async fn many_callers_at_once_do_not_overshoot(s: &Tested) {
    let limited = Subject { per_month: Some(Money(50_000)), ..by_day(10_000) };
    let callers = (0..64).map(|number: i64| {
        let limited = &limited;
        async move {
            let mut spent = 0;
            while let Ok(hold) = s.reserve(&[limited], 0, 50).await {
                let cost = 10 + number % 41;
                hold.settle(0, Money(cost));
                spent += cost;
            }
            spent
        }
    });
    let spent: i64 = join_all(callers).await.into_iter().sum();
    assert!(spent <= 10_000, "{spent}");
    assert!(spent > 10_000 - 50, "{spent}: what is left would have covered a call");
}

pub async fn days_and_months_begin_anew(s: &Tested) {
    let limited = Subject { per_month: Some(Money(250)), ..by_day(100) };
    let day = 24 * 3_600_000;
    for _ in 0..2 {
        assert!(s.take(&limited, 0, 100).await);
        assert_eq!(s.refused(&[&limited], 0, 1).await.limit, Limit::Day);
        s.pass(day);
    }
    // The limit of the month is the longer wait of the two.
    let refusal = s.refused(&[&limited], 0, 101).await;
    assert_eq!((refusal.limit, refusal.retry_after.unwrap().as_secs() / 86_400), (Limit::Month, 6));
    assert!(s.take(&limited, 0, 50).await);
    s.pass(day);
    assert_eq!(s.refused(&[&limited], 0, 1).await.limit, Limit::Month);
    s.pass(6 * day);
    assert!(s.take(&limited, 0, 100).await);
}

/// What was taken yesterday comes back to yesterday.
pub async fn a_call_over_midnight_is_yesterdays(s: &Tested) {
    let limited = by_day(100);
    let hold = s.reserve(&[&limited], 0, 100).await.unwrap();
    s.pass(24 * 3_600_000);
    let today = s.reserve(&[&limited], 0, 60).await.unwrap();
    hold.settle(0, Money(10));
    assert!(!s.take(&limited, 0, 41).await);
    today.settle(0, Money(60));
    assert!(s.take(&limited, 0, 40).await);
}

pub async fn a_top_up_is_all_or_nothing_and_settles_with_the_rest(s: &Tested) {
    let narrow = Subject { per_day: Some(Money(100)), ..by_tokens(1000) };
    let wide = Subject { id: "wide".into(), ..by_tokens(5000) };
    let mut hold = s.reserve(&[&wide, &narrow], 400, 40).await.unwrap();
    assert_eq!(hold.top_up(500, Money(50)).await.unwrap(), None);
    assert_eq!(hold.standing().tokens.map(|level| (level.limit, level.remaining)), Some((1000, 100)));
    assert_eq!(hold.top_up(101, Money(1)).await.unwrap().unwrap().limit, Limit::Tokens);
    assert_eq!(hold.top_up(1, Money(11)).await.unwrap().unwrap().limit, Limit::Day);
    assert_eq!((s.tokens_left(&narrow).await, s.tokens_left(&wide).await), (100, 4100));
    hold.settle(450, Money(45));
    assert_eq!((s.tokens_left(&narrow).await, s.tokens_left(&wide).await), (550, 4550));
    assert!(s.take(&narrow, 0, 55).await && !s.take(&narrow, 0, 1).await);
}

pub async fn a_top_up_is_no_request(s: &Tested) {
    let limited = Subject { tokens_per_minute: Some(100), concurrent: Some(1), ..by_rate(1.0, None) };
    let mut hold = s.reserve(&[&limited], 1, 0).await.unwrap();
    assert_eq!(hold.top_up(1, Money::ZERO).await.unwrap(), None);
    hold.settle(0, Money::ZERO);
    assert_eq!(s.refused(&[&limited], 0, 0).await.limit, Limit::Requests);
}

pub async fn the_standing_tells_what_is_left(s: &Tested) {
    let wide = Subject { id: "wide".into(), ..by_rate(100.0, None) };
    let narrow = Subject { tokens_per_minute: Some(600), ..by_rate(10.0, None) };
    let hold = s.reserve(&[&wide, &narrow], 60, 0).await.unwrap();
    let requests = hold.standing().requests.unwrap();
    assert_eq!(requests, Level { limit: 10, remaining: 9, reset: Duration::from_secs(1) });
    let tokens = hold.standing().tokens.unwrap();
    assert_eq!((tokens.limit, tokens.remaining), (600, 540));
    assert!((59_000..=61_000).contains(&tokens.reset.as_millis()), "{tokens:?}");
}

pub async fn a_changed_limit_counts_at_once(s: &Tested) {
    assert!(s.take(&by_day(1000), 0, 90).await);
    assert_eq!(s.refused(&[&by_day(100)], 0, 11).await.limit, Limit::Day);
    assert!(s.take(&by_day(100), 0, 10).await);
    assert!(!s.take(&by_day(100), 0, 1).await);
    assert!(s.take(&by_day(200), 0, 100).await);
    assert!(s.take(&by_tokens(100), 100, 0).await);
    assert!(!s.take(&by_tokens(150), 51, 0).await && s.take(&by_tokens(150), 50, 0).await);
}

/// Each subject's own numbers, also of what is promised, given back, or over.
pub async fn what_is_used_is_told_of_each(s: &Tested) {
    let tenant = Subject { concurrent: Some(5), per_month: Some(Money(900)), ..by_day(1000) };
    let key = Subject { per_day: Some(Money(500)), id: "key".into(), ..by_tokens(600) };
    let all = [Arc::new(tenant.clone()), Arc::new(key.clone()), Arc::new(subject("free"))];
    let used = async || s.limiter.used(&all).await.unwrap();
    let spent = |limit: i64, spent: i64, reset: u64| {
        Some(Spent { limit: Money(limit), spent: Money(spent), reset: Duration::from_secs(reset) })
    };
    const DAY: u64 = 59_400;
    const MONTH: u64 = 8 * 86_400 + DAY;
    assert_eq!(used().await[0].day, spent(1000, 0, DAY));
    let hold = s.reserve(&[&tenant, &key], 60, 100).await.unwrap();
    let before = used().await;
    let calls = Level { limit: 5, remaining: 4, reset: Duration::ZERO };
    let of_tenant =
        Used { concurrent: Some(calls), day: spent(1000, 100, DAY), month: spent(900, 100, MONTH), ..Used::default() };
    assert_eq!((before[0], before[2]), (of_tenant, Used::default()));
    assert_eq!(before[1].tokens.map(|level| (level.limit, level.remaining)), Some((600, 540)));
    assert_eq!((before[1].day, before[1].month), (spent(500, 100, DAY), None));
    hold.settle(10, Money(30));
    let hold = s.reserve(&[&tenant], 0, 7).await.unwrap();
    hold.settle(0, Money(7));
    let after = used().await;
    assert_eq!(after[0].concurrent.map(|level| level.remaining), Some(5));
    assert_eq!((after[0].day, after[1].day), (spent(1000, 37, DAY), spent(500, 30, DAY)));
    s.pass(DAY * 1000);
    let tomorrow = used().await;
    assert_eq!((tomorrow[0].day, tomorrow[0].month), (spent(1000, 0, 86_400), spent(900, 37, MONTH - DAY)));
    assert_eq!(tomorrow[1].tokens.map(|level| level.remaining), Some(600));
}

/// One test for each behaviour of the contract. `$make` gives a fresh [`Tested`]; it may `.await`. The
/// calling crate needs `tokio` with its `macros` and `rt`.
#[macro_export]
macro_rules! limiter_contract_tests {
    ($make:expr) => {
        $crate::limiter_contract_tests! { @each $make;
            the_rate_is_held_under_load, a_burst_comes_at_once_and_waits_for_the_rate,
            tokens_are_given_back_when_less_was_used, a_wait_is_as_long_as_it_takes, what_never_fits_is_told_so,
            more_than_was_taken_is_charged, so_many_at_the_same_time, a_refused_subject_leaves_the_others_untouched,
            a_budget_is_used_to_the_last_unit_and_no_further, money_comes_back_when_less_was_used,
            many_callers_at_once_do_not_overshoot, days_and_months_begin_anew, a_call_over_midnight_is_yesterdays,
            a_top_up_is_all_or_nothing_and_settles_with_the_rest, a_top_up_is_no_request,
            the_standing_tells_what_is_left, what_is_used_is_told_of_each, a_changed_limit_counts_at_once,
        }
    };
    (@each $make:expr; $($name:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            let tested: $crate::contract::Tested = $make;
            $crate::contract::$name(&tested).await;
        }
    )*};
}
