use super::time;

#[test]
fn milliseconds_are_dates() {
    assert_eq!(time(0), "1970-01-01 00:00:00");
    assert_eq!(time(951_782_400_000), "2000-02-29 00:00:00");
    assert_eq!(time(1_795_334_405_999), "2026-11-22 08:00:05");
}
