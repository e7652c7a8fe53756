use super::*;
use proptest::prelude::*;

fn offset(text: &str) -> UtcOffset {
    UtcOffset::try_from(text.to_owned()).unwrap()
}

/// 2026-11-22 07:30:00 UTC.
const NOW: i64 = 1_795_332_600_000;

#[test]
fn days_and_months_begin_where_the_installation_is() {
    for (zone, day, month) in [("Z", "2026-11-22", "2026-11"), ("+08:00", "2026-11-22", "2026-11")] {
        assert_eq!(Period::day(NOW, offset(zone)).name(), day);
        assert_eq!(Period::month(NOW, offset(zone)).name(), month);
    }
    let evening = NOW + 9 * 60 * MINUTE;
    assert_eq!(Period::day(evening, offset("+08:00")).name(), "2026-11-23");
    assert_eq!(Period::day(evening, offset("Z")).name(), "2026-11-22");
    let new_year = 1_798_761_600_000;
    assert_eq!(Period::month(new_year, offset("Z")).name(), "2027-01");
    assert_eq!(Period::month(new_year, offset("-03:30")).name(), "2026-12");
    assert_eq!(Period::month(new_year - 1, offset("Z")).name(), "2026-12");
}

#[test]
fn the_rest_of_a_period() {
    let zone = offset("Z");
    assert_eq!(Period::day(NOW, zone).rest(NOW, zone), Duration::from_secs(16 * 3600 + 1800));
    assert_eq!(Period::month(NOW, zone).rest(NOW, zone), Duration::from_secs((8 * 24 + 16) * 3600 + 1800));
}

#[test]
fn offsets_are_written_as_they_are_read() {
    for text in ["Z", "+08:00", "-03:30", "+14:00"] {
        assert_eq!(String::from(offset(text)), text);
    }
    for wrong in ["", "8", "+8:00", "+08:60", "+15:00", "+08:0x", "+08:00 ", "Asia/Shanghai", "＋08:00"] {
        assert!(UtcOffset::try_from(wrong.to_owned()).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_period_ends_where_the_next_begins(now in -10_000_000_000_000i64..10_000_000_000_000, minutes in -840i64..=840) {
        let zone = UtcOffset { minutes };
        for of in [Period::day, Period::month] {
            let period = of(now, zone);
            let end = now + i64::try_from(period.rest(now, zone).as_millis()).unwrap();
            prop_assert!(end > now);
            prop_assert_eq!(of(end - 1, zone), period);
            prop_assert_ne!(of(end, zone), period);
        }
    }
}
