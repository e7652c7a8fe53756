//! Amounts of money, exact.
//!
//! It does not know currencies: an installation counts in one, named in its configuration.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// An amount in billionths of the installation's currency, so that the price of one token is a whole
/// number. Arithmetic saturates: no bill reaches nine billion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub i64);

impl Money {
    /// None.
    pub const ZERO: Money = Money(0);
    /// Billionths of one.
    pub const ONE: i64 = 1_000_000_000;

    /// From a number such as `12.5`, rounded to a billionth; none when it is not finite or too large.
    pub fn from_f64(amount: f64) -> Option<Self> {
        let nanos = (amount * Self::ONE as f64).round();
        // Beyond 2^53 a float names no single whole number.
        (nanos.is_finite() && nanos.abs() <= 9_007_199_254_740_992_000.0).then_some(Self(nanos as i64))
    }

    /// As a number, for display and metrics.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::ONE as f64
    }

    /// So many times as much.
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// `0.000137`: exact, without superfluous zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / Self::ONE as u64, self.0.unsigned_abs() % Self::ONE as u64);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{part:09}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
#[path = "money_tests.rs"]
mod tests;
