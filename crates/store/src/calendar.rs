//! Where an hour, a day and a month begin, in a zone of fixed offset.
//!
//! It does not know summer time: a bill's day has the same length all year.

use crate::Period;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// Start of the span that a time (milliseconds since 1970) lies in, for a zone so many minutes east of
/// UTC. Hours are UTC's.
pub(crate) fn period_start(period: Period, time_ms: i64, offset_minutes: i32) -> i64 {
    let offset = i64::from(offset_minutes) * 60_000;
    match period {
        Period::Hour => time_ms.div_euclid(HOUR_MS).saturating_mul(HOUR_MS),
        Period::Day => time_ms.saturating_add(offset).div_euclid(DAY_MS) * DAY_MS - offset,
        Period::Month => {
            let day = time_ms.saturating_add(offset).div_euclid(DAY_MS);
            (day - i64::from(day_of_month(day)) + 1) * DAY_MS - offset
        }
    }
}

/// The day of the month, from 1, of a day counted since 1970-01-01. After Howard Hinnant's
/// `civil_from_days`.
fn day_of_month(day: i64) -> u8 {
    let of_era = (day + 719_468).rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    (of_year - (153 * month + 2) / 5 + 1) as u8
}
