use super::{Toward, offset_minutes, read, write};
use proptest::prelude::*;

const NOW: i64 = 1_795_336_200_000; // 2026-11-22T08:30:00Z

fn past(text: &str) -> Option<i64> {
    read("from", text, NOW, Toward::Past).ok()
}

#[test]
fn every_form_is_read() {
    for (text, time) in [
        ("2026-11-22T08:30:00Z", NOW),
        ("2026-11-22T16:30:00+08:00", NOW),
        ("2026-11-22T16:30:00 08:00", NOW),
        ("2026-11-22 05:00:00.000-03:30", NOW),
        ("2026-11-22T08:30:00.5z", NOW + 500),
        ("2026-11-22T08:30:00.123456Z", NOW + 123),
        ("2026-11-22", NOW - 30_600_000),
        ("1970-01-01", 0),
        ("2024-02-29", 1_709_164_800_000),
        ("1795336200000", NOW),
        ("0", 0),
        ("now", NOW),
        ("24h", NOW - 86_400_000),
        ("90m", NOW - 5_400_000),
        ("2w", NOW - 14 * 86_400_000),
    ] {
        assert_eq!(past(text), Some(time), "{text}");
    }
    assert_eq!(read("expires", "90d", NOW, Toward::Future).ok(), Some(NOW + 90 * 86_400_000));
}

#[test]
fn what_is_no_time_is_refused_with_its_name() {
    for text in [
        "",
        "h",
        "24",
        "24y",
        "-24h",
        "2026-13-01",
        "2026-02-29",
        "2026-11-22T",
        "2026-11-22T24:00:00Z",
        "2026-11-22T08:30:00",
        "2026-11-22T08:30:00.Z",
        "2026/11/22",
        "99999999999999999999",
        "9999999999999999d",
        "驿站驿站驿站",
        "1700000000",
    ] {
        let error = read("from", text, NOW, Toward::Past).expect_err(text);
        assert_eq!(error.parameter(), Some("from"), "{text}");
    }
    assert!(read("from", "1700000000", NOW, Toward::Past).unwrap_err().message().contains("seconds"));
}

#[test]
fn offsets() {
    for (text, minutes) in
        [("Z", Some(0)), ("+08:00", Some(480)), ("-03:30", Some(-210)), ("+8:00", None), ("08:00", None)]
    {
        assert_eq!(offset_minutes(text), minutes, "{text}");
    }
    assert_eq!(write(NOW, 480), "2026-11-22T16:30:00+08:00");
}

proptest! {
    #[test]
    fn what_is_written_is_read(seconds in 0i64..253_402_300_799, minutes in -840i64..=840) {
        let text = write(seconds * 1000, minutes);
        // Beyond the year 9999 the year has five digits.
        prop_assume!(text.as_bytes()[4] == b'-');
        prop_assert_eq!(past(&text), Some(seconds * 1000));
    }

    #[test]
    fn nothing_panics(text in ".{0,40}") {
        let _ = read("from", &text, NOW, Toward::Past);
        let _ = read("to", &format!("2026-11-22T08:30:00{text}"), NOW, Toward::Future);
    }
}
