use super::*;

#[test]
fn times_are_written_as_openai_writes_them() {
    for (millis, written) in [
        (0, "0ms"),
        (20, "20ms"),
        (1000, "1s"),
        (8640, "8.64s"),
        (360_000, "6m0s"),
        (61_500, "1m1.5s"),
        (3_600_000, "1h0m0s"),
    ] {
        assert_eq!(duration(Duration::from_millis(millis)), written);
    }
}

#[test]
fn the_subject_nearest_to_exhaustion_shows() {
    let level = |limit, remaining| Some(Level { limit, remaining, reset: Duration::from_secs(1) });
    let standing = Standing::default().and(level(100, 50), None).and(level(10, 4), level(9, 9)).and(None, level(2, 1));
    let headers = standing.headers();
    assert_eq!(headers.len(), 6);
    assert_eq!(headers[0], ("x-ratelimit-limit-requests", "10".to_owned()));
    assert_eq!(headers[1], ("x-ratelimit-remaining-requests", "4".to_owned()));
    assert_eq!(headers[2], ("x-ratelimit-reset-requests", "1s".to_owned()));
    assert_eq!(headers[4], ("x-ratelimit-remaining-tokens", "1".to_owned()));
    assert!(Standing::default().headers().is_empty());
    assert_eq!(Standing::default().and(level(0, 0), None).and(level(5, 1), None).requests, level(0, 0));
}
