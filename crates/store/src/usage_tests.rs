use super::*;

#[test]
fn percentiles_lie_in_the_bucket_of_the_call_that_they_speak_of() {
    let mut counts = UsageCounts::default();
    assert_eq!(counts.percentile(0.5), None);
    for ms in [5, 10, 40, 40, 40, 40, 40, 40, 40, 900_000] {
        counts.count_latency(ms);
    }
    assert_eq!(counts.latencies[0], 2);
    let half = counts.percentile(0.5).unwrap();
    assert!((33.0..=50.0).contains(&half), "{half}");
    assert_eq!(counts.percentile(1.0), Some(365_000.0));
    assert!(counts.percentile(0.0).unwrap() <= 10.0);
}

#[test]
fn periods_begin_where_the_zone_says() {
    let time = 1_709_224_200_000; // 2024-02-29T16:30:00Z, in China 2024-03-01T00:30.
    let start = |period, offset| period_start(period, time, offset);
    assert_eq!(start(Period::Hour, 480), 1_709_222_400_000);
    assert_eq!(start(Period::Day, 0), 1_709_164_800_000); // 2024-02-29T00:00Z
    assert_eq!(start(Period::Day, 480), 1_709_222_400_000); // 2024-03-01T00:00+08:00
    assert_eq!(start(Period::Month, 0), 1_706_745_600_000); // 2024-02-01T00:00Z
    assert_eq!(start(Period::Month, 480), 1_709_222_400_000);
    assert_eq!(period_start(Period::Month, -1, 0), -31 * 86_400_000); // December 1969
}

#[test]
fn counts_go_through_their_plain_form() {
    let mut counts = UsageCounts { calls: 3, first_token_calls: 2, charge: Money(5), ..UsageCounts::default() };
    counts.count_latency(7);
    let plain = UsageCounts::from_plain(counts.plain(), counts.charge, counts.latencies);
    assert_eq!(plain, counts);
    counts.add(&plain);
    assert_eq!((counts.calls, counts.charge, counts.latencies[0]), (6, Money(10), 2));
}
