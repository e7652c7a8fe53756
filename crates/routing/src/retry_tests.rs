use super::*;

#[test]
fn pauses_grow_within_their_bounds() {
    let settings = RetrySettings { pause_ms: 100, most_pause_ms: 300, ..RetrySettings::default() };
    let error = Error::new(ErrorCode::ProviderFailed, "x");
    for (retry, most) in [(0, 100), (1, 200), (2, 300), (60, 300)] {
        for _ in 0..50 {
            assert!(pause(&settings, retry, &error).unwrap() <= Duration::from_millis(most));
        }
    }
}

#[test]
fn a_provider_that_asks_for_patience_gets_it_or_is_left() {
    let settings = RetrySettings { most_pause_ms: 1000, ..RetrySettings::default() };
    let error = |ms| Error::new(ErrorCode::RateLimited, "x").retry_after(Duration::from_millis(ms));
    assert_eq!(pause(&settings, 0, &error(700)), Some(Duration::from_millis(700)));
    assert_eq!(pause(&settings, 0, &error(60_000)), None);
}

#[test]
fn an_outage_is_not_multiplied() {
    let budget = RetryBudget::new(0.1);
    let mut retries = 0;
    for _ in 0..1000 {
        budget.earn();
        retries += usize::from(budget.spend());
    }
    assert!((100..=110).contains(&retries), "{retries}");
}
