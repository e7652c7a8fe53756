use super::{Breaker, BreakerSettings, BreakerState};
use std::time::Duration;
use tokio::time::advance;

fn breaker() -> Breaker {
    Breaker::new(BreakerSettings { failures: 3, calls: 4, open_s: 5, most_open_s: 12, ..BreakerSettings::default() })
}

fn fail(breaker: &Breaker) {
    breaker.enter().unwrap().failed();
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_it_and_a_good_probe_closes_it() {
    let breaker = breaker();
    fail(&breaker);
    fail(&breaker);
    breaker.enter().unwrap().succeeded();
    fail(&breaker);
    assert_eq!(breaker.state(), BreakerState::Open, "three of four calls failed");
    assert!(breaker.enter().is_none());
    advance(Duration::from_secs(5)).await;
    let probe = breaker.enter().unwrap();
    assert!(breaker.enter().is_none(), "one probe at a time");
    probe.succeeded();
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn failed_probes_lengthen_the_pause_up_to_the_most() {
    let breaker = breaker();
    (0..3).for_each(|_| fail(&breaker));
    for pause in [5, 10, 12, 12] {
        advance(Duration::from_millis(pause * 1000 - 1)).await;
        assert!(breaker.enter().is_none(), "{pause}");
        advance(Duration::from_millis(1)).await;
        fail(&breaker);
    }
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_probe_blocks_nobody() {
    let breaker = breaker();
    (0..3).for_each(|_| fail(&breaker));
    advance(Duration::from_secs(5)).await;
    drop(breaker.enter().unwrap());
    assert!(breaker.enter().is_some());
}

#[tokio::test(start_paused = true)]
async fn old_failures_are_forgotten() {
    let breaker = breaker();
    fail(&breaker);
    fail(&breaker);
    breaker.enter().unwrap().succeeded();
    advance(Duration::from_secs(31)).await;
    fail(&breaker);
    assert_eq!(breaker.state(), BreakerState::Closed);
}
