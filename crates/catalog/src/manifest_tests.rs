use super::*;
use proptest::prelude::*;

#[test]
fn moments_are_written_in_utc() {
    // From `date -u -d @N +%FT%TZ`.
    assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
    assert_eq!(timestamp(951_782_400), "2000-02-29T00:00:00Z");
    assert_eq!(timestamp(1_709_251_199), "2024-02-29T23:59:59Z");
    assert_eq!(timestamp(4_107_542_400), "2100-03-01T00:00:00Z");
}

proptest! {
    #[test]
    fn later_moments_sort_later(one in 0u64..6_000_000_000, other in 0u64..6_000_000_000) {
        prop_assert_eq!(one.cmp(&other), timestamp(one).cmp(&timestamp(other)));
    }
}
