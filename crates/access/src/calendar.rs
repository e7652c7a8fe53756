//! Days and months in an installation's own time, computed from milliseconds since 1970.
//!
//! It does not know daylight saving: an installation names one offset from UTC.

use serde::{Deserialize, Serialize};
use std::time::Duration;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// An offset from UTC, written `Z`, `+08:00` or `-03:30`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcOffset {
    minutes: i64,
}

impl TryFrom<String> for UtcOffset {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no offset from UTC; write it like \"+08:00\", or \"Z\"");
        if text == "Z" {
            return Ok(Self::default());
        }
        let bytes = text.as_bytes();
        let digits = |at: usize| bytes.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'));
        let (Some(a), Some(b), Some(c), Some(d)) = (digits(1), digits(2), digits(4), digits(5)) else {
            return Err(wrong());
        };
        let minutes = (a * 10 + b) * 60 + c * 10 + d;
        match (bytes.len(), bytes[0], bytes[3], minutes) {
            (6, b'+', b':', 0..=840) if c < 6 => Ok(Self { minutes }),
            (6, b'-', b':', 0..=840) if c < 6 => Ok(Self { minutes: -minutes }),
            _ => Err(wrong()),
        }
    }
}

impl From<UtcOffset> for String {
    fn from(offset: UtcOffset) -> Self {
        let sign = if offset.minutes < 0 { '-' } else { '+' };
        let minutes = offset.minutes.abs();
        if minutes == 0 { "Z".to_owned() } else { format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60) }
    }
}

/// A calendar day or month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// By its days since 1970.
    Day(i64),
    /// By its months since the year 0.
    Month(i64),
}

impl Period {
    /// The day of that time.
    pub fn day(now_ms: i64, offset: UtcOffset) -> Self {
        Self::Day(local(now_ms, offset).div_euclid(DAY))
    }

    /// The month of that time.
    pub fn month(now_ms: i64, offset: UtcOffset) -> Self {
        let (year, month, _) = date(local(now_ms, offset).div_euclid(DAY));
        Self::Month(year * 12 + month - 1)
    }

    /// How long it lasts from that time on.
    pub fn rest(self, now_ms: i64, offset: UtcOffset) -> Duration {
        let next_day = match self {
            Self::Day(day) => day.saturating_add(1),
            Self::Month(month) => first_day(month.saturating_add(1)),
        };
        let rest = next_day.saturating_mul(DAY).saturating_sub(local(now_ms, offset));
        Duration::from_millis(u64::try_from(rest).unwrap_or(0))
    }

    /// `2026-11-22` or `2026-11`.
    pub fn name(self) -> String {
        match self {
            Self::Day(day) => {
                let (year, month, day) = date(day);
                format!("{year:04}-{month:02}-{day:02}")
            }
            Self::Month(month) => format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1),
        }
    }
}

fn local(now_ms: i64, offset: UtcOffset) -> i64 {
    now_ms.clamp(i64::MIN / 4, i64::MAX / 4) + offset.minutes * MINUTE
}

/// Year, month and day of so many days since 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`).
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// Days since 1970 of a month's first (`days_from_civil` there).
fn first_day(month: i64) -> i64 {
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
