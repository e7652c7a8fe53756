//! From when until when a certificate holds: the one thing that is read of it here.
//!
//! It checks no signature and no name; `rustls` does, in the handshake.

use crate::admin::time::days;

/// The time in which a certificate holds, milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Not before.
    pub from_ms: i64,
    /// Not after.
    pub until_ms: i64,
}

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The field of the version, which certificates of the first one lack.
const VERSION: u8 = 0xa0;

impl Validity {
    /// Of a certificate in DER (RFC 5280, 4.1). None: it is none.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let mut outer = Reader(certificate);
        let mut certificate = outer.inside(SEQUENCE)?;
        let mut fields = certificate.inside(SEQUENCE)?;
        if fields.0.first() == Some(&VERSION) {
            fields.next()?;
        }
        // Serial number, algorithm of the signature, issuer.
        for _ in 0..3 {
            fields.next()?;
        }
        let mut validity = fields.inside(SEQUENCE)?;
        Some(Self { from_ms: validity.time()?, until_ms: validity.time()? })
    }
}

/// What is left of an encoding.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next element's tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn inside(&mut self, wanted: u8) -> Option<Self> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, content)| Self(content))
    }

    fn time(&mut self) -> Option<i64> {
        let (tag, text) = self.next()?;
        let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
        let (century, text) = match tag {
            // Two digits of the year; those from 50 on are of the last century.
            UTC_TIME => (if text < "50" { "20" } else { "19" }, text),
            GENERALIZED_TIME => text.split_at_checked(2)?,
            _ => return None,
        };
        let part = |from: usize| text.get(from..from + 2);
        let number =
            |from: usize| part(from)?.bytes().all(|byte| byte.is_ascii_digit()).then(|| part(from)?.parse().ok())?;
        let day = days(&format!("{century}{}-{}-{}", part(0)?, part(2)?, part(4)?))?;
        let (hour, minute, second): (i64, i64, i64) = (number(6)?, number(8)?, number(10)?);
        let is_time = hour < 24 && minute < 60 && second < 61 && text.get(12..) == Some("Z");
        is_time.then(|| (day * 86_400 + hour * 3600 + minute * 60 + second) * 1000)
    }
}

#[cfg(test)]
#[path = "validity_tests.rs"]
mod tests;
