//! The day and the month of a time, as the script takes them: their names, and when they begin and end.
//!
//! It does not know who asks.

use std::sync::Arc;
use yizhan_access::{Period, UtcOffset};

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub name: Arc<str>,
    /// In milliseconds since 1970.
    pub from: i64,
    /// The first millisecond after it.
    pub to: i64,
}

/// Both.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Periods {
    pub day: Interval,
    pub month: Interval,
}

impl Periods {
    pub(crate) fn at(now_ms: i64, offset: UtcOffset) -> Self {
        let interval = |period: Period, before: Period| {
            let end = |period: Period| i64::try_from(period.rest(0, offset).as_millis()).unwrap_or(i64::MAX);
            Interval { name: period.name().into(), from: end(before), to: end(period) }
        };
        let previous = |period| match period {
            Period::Day(day) => Period::Day(day - 1),
            Period::Month(month) => Period::Month(month - 1),
        };
        let (day, month) = (Period::day(now_ms, offset), Period::month(now_ms, offset));
        Self { day: interval(day, previous(day)), month: interval(month, previous(month)) }
    }

    pub(crate) fn contain(&self, now_ms: i64) -> bool {
        [&self.day, &self.month].iter().all(|period| (period.from..period.to).contains(&now_ms))
    }
}

#[cfg(test)]
#[path = "periods_tests.rs"]
mod tests;
