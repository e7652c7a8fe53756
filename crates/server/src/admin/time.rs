//! Times as people and programs write them: RFC 3339, milliseconds since 1970, or as far from now.
//!
//! It does not know what the time is of, nor time zones beyond an offset from UTC.

use yizhan_domain::{Error, Result};

const SECOND: i64 = 1000;
const DAY: i64 = 86_400 * SECOND;
/// A number below this, in milliseconds, is in the first years after 1970: somebody meant seconds.
const SECONDS: i64 = 100_000_000_000;

/// Whether `24h` is before now or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toward {
    /// Before now.
    Past,
    /// After now.
    Future,
}

/// A time in milliseconds since 1970. `name` is the parameter that an error is about.
///
/// Takes `2026-11-22T08:30:00Z` and other forms of RFC 3339, a date alone (its beginning in UTC), milliseconds
/// since 1970, `now`, and a number with `s`, `m`, `h`, `d` or `w`, counted from now.
pub fn read(name: &str, text: &str, now_ms: i64, toward: Toward) -> Result<i64> {
    let text = text.trim();
    let read = if text == "now" { Some(now_ms) } else { millis(text).or_else(|| rfc3339(text)) };
    let read = read.or_else(|| {
        let distance = distance(text)?;
        Some(if toward == Toward::Past { now_ms.saturating_sub(distance) } else { now_ms.saturating_add(distance) })
    });
    let wrong = |what: &str| {
        let shown: String = text.chars().take(60).collect();
        let how = "write it like 2026-11-22T08:30:00Z, 2026-11-22, 24h, 7d, or in milliseconds since 1970";
        Err(Error::invalid(name, format!("'{name}' is '{shown}', {what}: {how}.")))
    };
    match read {
        Some(time) if millis(text).is_some() && (1..SECONDS).contains(&time) => wrong("which looks like seconds"),
        Some(time) => Ok(time),
        None => wrong("which is no time"),
    }
}

fn millis(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// `90d` in milliseconds.
fn distance(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => SECOND,
        'm' => 60 * SECOND,
        'h' => 3600 * SECOND,
        'd' => DAY,
        'w' => 7 * DAY,
        _ => return None,
    };
    millis(text.get(..text.len() - 1)?)?.checked_mul(unit)
}

/// A date, or a date and time with `Z` or an offset.
fn rfc3339(text: &str) -> Option<i64> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let day = days(date)?.checked_mul(DAY)?;
    if rest.is_empty() {
        return Some(day);
    }
    // After an unescaped '+' of a query's text a space is left.
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = (rest.get(..8)?, rest.get(8..)?);
    let at = |range: std::ops::Range<usize>| number(clock.get(range)?);
    let (hour, minute, second) = (at(0..2)?, at(3..5)?, at(6..8)?);
    let separators = clock.as_bytes()[2] == b':' && clock.as_bytes()[5] == b':';
    if !separators || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let fraction = rest.strip_prefix('.').map_or("", |rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        &rest[..end]
    });
    let zone = if rest.starts_with('.') { rest.get(1 + fraction.len()..)? } else { rest };
    if rest.starts_with('.') && fraction.is_empty() {
        return None;
    }
    let mut millis = 0;
    for place in 0..3 {
        millis = millis * 10 + fraction.as_bytes().get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    Some(day + ((hour * 60 + minute) * 60 + second) * SECOND + millis - offset_minutes(zone)? * 60 * SECOND)
}

/// Minutes east of UTC of `Z`, `+08:00` or `-03:30`. A query's text may have lost its `+` to a space.
pub(super) fn offset_minutes(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' | b' ' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

fn two(text: &str) -> Option<i64> {
    if text.len() == 2 { number(text) } else { None }
}

fn number(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Days since 1970 of `2026-11-22`. After Howard Hinnant's `days_from_civil`.
pub(crate) fn days(date: &str) -> Option<i64> {
    let bytes = date.as_bytes();
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let part = |range: std::ops::Range<usize>| number(date.get(range)?);
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    if !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// `2026-11-22T08:30:05Z`, of milliseconds since 1970 and so many minutes east of UTC, whose offset it then
/// shows. After Howard Hinnant's `civil_from_days`.
pub fn write(time_ms: i64, offset_minutes: i64) -> String {
    let local = time_ms.saturating_add(offset_minutes.saturating_mul(60 * SECOND));
    let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY) / SECOND);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let zone = match offset_minutes {
        0 => "Z".to_owned(),
        _ => {
            let (sign, minutes) = (if offset_minutes < 0 { '-' } else { '+' }, offset_minutes.abs());
            format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    };
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}{zone}", second / 3600, second / 60 % 60, second % 60)
}

/// The time of day, milliseconds since 1970.
pub fn now_ms() -> i64 {
    yizhan_store::Clock::system().now_ms()
}

#[cfg(test)]
#[path = "time_tests.rs"]
mod tests;
