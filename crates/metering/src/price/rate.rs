//! What is charged for one kind of thing, and the arithmetic of it.
//!
//! It does not know which kind.

use yizhan_domain::Money;

/// A million tokens.
const MILLION: u128 = 1_000_000;

/// Digits after the point that a price may have.
const DIGITS: usize = 9;

/// A price as it is written, such as `0.27`, exactly.
pub(crate) fn parse(text: &str) -> Result<Money, String> {
    let refuse = || format!("'{text}' is no price. Write a number such as 2.5, not negative, with at most 9 decimals.");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > DIGITS {
        return Err(refuse());
    }
    let whole: i64 = whole.parse().map_err(|_| refuse())?;
    let part: i64 = format!("{part:0<DIGITS$}").parse().map_err(|_| refuse())?;
    whole.checked_mul(Money::ONE).and_then(|nanos| nanos.checked_add(part)).map(Money).ok_or_else(refuse)
}

/// So many tokens at a price for a million, at a percentage of it; rounded half up to a billionth.
pub(crate) fn amount(tokens: u64, per_million: Money, percent: u16) -> Money {
    const WHOLE: u128 = MILLION * 100;
    money((exact(tokens, per_million, percent) + WHOLE / 2) / WHOLE)
}

/// The same, rounded up.
pub(crate) fn amount_up(tokens: u64, per_million: Money, percent: u16) -> Money {
    money(exact(tokens, per_million, percent).div_ceil(MILLION * 100))
}

/// In hundredths of a millionth of a billionth. No product of a u64, an i64 and a u16 overflows a u128
/// but at its very end, where it saturates.
fn exact(tokens: u64, per_million: Money, percent: u16) -> u128 {
    let price = u128::from(per_million.0.max(0).unsigned_abs());
    u128::from(tokens).saturating_mul(price).saturating_mul(u128::from(percent)).min(u128::MAX / 2)
}

fn money(nanos: u128) -> Money {
    Money(i64::try_from(nanos).unwrap_or(i64::MAX))
}
