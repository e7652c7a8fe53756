//! Personal data as bounded patterns over folded text, with the check that makes each one real.
//!
//! It does not know rules. Sources: GB 11643-1999 (resident identity number and its check digit, ISO 7064
//! MOD 11-2), ISO/IEC 7812 (card numbers, Luhn), the published prefixes of the card networks, the numbering
//! plan of mainland China.

use crate::boundary::Boundary;
use serde::{Deserialize, Serialize};

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PiiKind {
    /// Resident identity number of mainland China, 18 characters, check digit verified.
    IdCard,
    /// Payment card, 13 to 19 digits, Luhn and network prefix verified.
    BankCard,
    /// Mobile number of mainland China, with or without +86.
    Mobile,
    /// E-mail address.
    Email,
    /// Landline number of mainland China with its area code.
    Landline,
    /// Passport number of mainland China.
    Passport,
    /// IPv4 address.
    Ipv4,
}

pub(crate) struct Kind {
    pub(crate) kind: PiiKind,
    pub(crate) category: &'static str,
    pub(crate) pattern: &'static str,
    pub(crate) boundary: Boundary,
    pub(crate) verify: Option<fn(&[char]) -> bool>,
}

pub(crate) const KINDS: [Kind; 7] = [
    Kind {
        kind: PiiKind::IdCard,
        category: "pii/id_card",
        pattern: "[1-9][0-9]{5}[ -]?(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[ -]?[0-9]{3}[0-9x]",
        boundary: Boundary::Digit,
        verify: Some(is_id_card),
    },
    Kind {
        kind: PiiKind::BankCard,
        category: "pii/bank_card",
        pattern: "(?:[3-6][0-9]|2[2-7]|9[0-9])(?:[ -]?[0-9]){11,17}",
        boundary: Boundary::Digit,
        verify: Some(is_bank_card),
    },
    Kind {
        kind: PiiKind::Mobile,
        category: "pii/mobile",
        pattern: r"(?:(?:\+|00)?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}",
        boundary: Boundary::Digit,
        verify: None,
    },
    Kind {
        kind: PiiKind::Email,
        category: "pii/email",
        pattern: r"[a-z0-9_%+-][a-z0-9._%+-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}",
        boundary: Boundary::Address,
        verify: None,
    },
    Kind {
        kind: PiiKind::Landline,
        category: "pii/landline",
        pattern: r"\(?0(?:10|2[0-9]|[3-9][0-9]{2})\)?[ -]?[2-8][0-9]{6,7}",
        boundary: Boundary::Digit,
        verify: None,
    },
    Kind {
        kind: PiiKind::Passport,
        category: "pii/passport",
        pattern: "(?:[egdsp][0-9]{8}|e[a-hj-np-z][0-9]{7})",
        boundary: Boundary::Word,
        verify: None,
    },
    Kind {
        kind: PiiKind::Ipv4,
        category: "pii/ipv4",
        pattern: r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}",
        boundary: Boundary::Digit,
        verify: Some(is_ipv4),
    },
];

impl PiiKind {
    /// Its place in the table.
    pub(crate) fn index(self) -> usize {
        KINDS.iter().position(|kind| kind.kind == self).unwrap_or(0)
    }
}

fn digits(text: &[char]) -> Vec<u32> {
    text.iter().filter_map(|c| c.to_digit(10)).collect()
}

/// ISO 7064 MOD 11-2 over the first 17 digits; the pattern has seen to the date's shape.
fn is_id_card(text: &[char]) -> bool {
    let digits = digits(text);
    let Some(first) = digits.get(..17) else { return false };
    let sum: u32 = first.iter().enumerate().map(|(i, digit)| digit * (1u32 << (17 - i)) % 11).sum();
    let check = (12 - sum % 11) % 11;
    let last = if text.last() == Some(&'x') { 10 } else { digits.get(17).copied().unwrap_or(11) };
    check == last && is_day(first)
}

/// Is there such a day? The pattern allows 31 in every month.
fn is_day(id: &[u32]) -> bool {
    let number = |range: std::ops::Range<usize>| id[range].iter().fold(0, |n, digit| n * 10 + digit);
    let (year, month, day) = (number(6..10), number(10..12), number(12..14));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let longest = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    day <= longest
}

fn is_bank_card(text: &[char]) -> bool {
    let digits = digits(text);
    has_card_prefix(&digits) && luhn(&digits)
}

/// Does a network issue numbers of this beginning and length?
fn has_card_prefix(digits: &[u32]) -> bool {
    let prefix = |n: usize| digits.iter().take(n).fold(0, |n, digit| n * 10 + digit);
    let length = digits.len();
    match prefix(2) {
        // UnionPay; banks also issue some of the rest below 70 and at 9 within China.
        62 => (16..=19).contains(&length),
        60 | 63..=69 => matches!(length, 16 | 19),
        90..=99 => matches!(length, 16 | 19),
        40..=49 => matches!(length, 13 | 16 | 19),
        51..=55 => length == 16,
        22..=27 => length == 16 && (2221..=2720).contains(&prefix(4)),
        34 | 37 => length == 15,
        35 => (16..=19).contains(&length) && (3528..=3589).contains(&prefix(4)),
        30 | 36 | 38 | 39 => (14..=19).contains(&length),
        50 | 56..=59 => matches!(length, 16 | 19),
        _ => false,
    }
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &digit)| if i % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    sum.is_multiple_of(10)
}

fn is_ipv4(text: &[char]) -> bool {
    let text: String = text.iter().collect();
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
#[path = "pii_tests.rs"]
mod tests;
