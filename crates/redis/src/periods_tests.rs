use super::*;

const HOUR: i64 = 3_600_000;
/// 2026-11-22 07:30:00 UTC.
const NOW: i64 = 1_795_332_600_000;

#[test]
fn a_period_begins_and_ends_where_the_calendar_says() {
    let midnight = NOW - 7 * HOUR - HOUR / 2;
    let utc = Periods::at(NOW, UtcOffset::default());
    assert_eq!((&*utc.day.name, utc.day.from, utc.day.to), ("2026-11-22", midnight, midnight + 24 * HOUR));
    assert_eq!(&*utc.month.name, "2026-11");
    assert_eq!((utc.month.from, utc.month.to), (midnight - 21 * 24 * HOUR, midnight + 9 * 24 * HOUR));
    let china = Periods::at(NOW + 9 * HOUR, UtcOffset::try_from("+08:00".to_owned()).unwrap());
    assert_eq!((&*china.day.name, china.day.from), ("2026-11-23", midnight + 16 * HOUR));
}

#[test]
fn a_period_holds_its_own_time_only() {
    let periods = Periods::at(NOW, UtcOffset::default());
    assert!(periods.contain(NOW) && periods.contain(periods.day.from) && periods.contain(periods.day.to - 1));
    assert!(!periods.contain(periods.day.from - 1) && !periods.contain(periods.day.to));
}
