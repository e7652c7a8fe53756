use super::*;

#[test]
fn a_bound_belongs_to_its_bucket() {
    let histogram = Histogram::default();
    for ms in [0, 10, 11, 300_000, 300_001, u32::MAX] {
        histogram.observe(ms);
    }
    let seen = histogram.snapshot();
    assert_eq!(seen.cumulative[0], 2);
    assert_eq!(seen.cumulative[1], 3);
    assert_eq!(seen.cumulative[14], 4);
    assert_eq!(seen.cumulative[15], 6);
    assert_eq!(seen.sum_ms, 10 + 11 + 300_000 + 300_001 + u64::from(u32::MAX));
}
