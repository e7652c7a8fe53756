//! Bytes to text: byte order marks, UTF-8, UTF-16, GB18030, Big5 and other legacy encodings.
//!
//! It does not know what the text is about.

use crate::fault::unreadable;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};
use yizhan_domain::Result;

/// How much of a legacy text the guess looks at.
const GUESS_BYTES: usize = 256 << 10;

/// The text, whatever its encoding; line ends are `\n`. Bytes that are no text are an error.
pub(crate) fn decode(bytes: &[u8], declared: Option<&'static Encoding>) -> Result<String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decode_as(&bytes[mark..], encoding);
    }
    if let Some(encoding) = wide_encoding(bytes) {
        return decode_as(bytes, encoding);
    }
    if is_utf8(bytes) {
        return decode_as(bytes, UTF_8);
    }
    if looks_binary(bytes) {
        return Err(unreadable("the content is binary, not text of any known encoding."));
    }
    let declared = declared.filter(|encoding| *encoding != UTF_8 && !encoding.decode_without_bom_handling(bytes).1);
    decode_as(bytes, declared.unwrap_or_else(|| guess(bytes)))
}

fn decode_as(bytes: &[u8], encoding: &'static Encoding) -> Result<String> {
    // GB18030 holds all of GBK and all of Unicode.
    let encoding = if encoding == GBK { GB18030 } else { encoding };
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let bad = text.chars().filter(|&ch| ch == '\u{fffd}' || is_control(ch)).count();
    // A cut tail or a stray byte is forgiven; noise is not.
    if bad > 2 && bad * 50 > text.chars().count() {
        return Err(unreadable("the content is not text of any known encoding."));
    }
    Ok(clean(&text))
}

/// Line ends become `\n`, NULs and other controls vanish.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_return = false;
    for ch in text.chars() {
        match ch {
            '\r' => out.push('\n'),
            '\n' if after_return => {}
            '\u{c}' | '\u{b}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            ch if is_control(ch) || ch == '\u{feff}' => {}
            ch => out.push(ch),
        }
        after_return = ch == '\r';
    }
    out
}

fn is_control(ch: char) -> bool {
    ch.is_control() && !matches!(ch, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}')
}

/// UTF-8, possibly cut within the last character.
fn is_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    }
}

/// UTF-16 without a mark: spaces, digits and line ends put zeros at every other byte.
fn wide_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    if sample.len() < 4 {
        return None;
    }
    let zeros = |offset: usize| sample[offset..].iter().step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let encoding = if odd > even * 4 { UTF_16LE } else { UTF_16BE };
    let many = even.max(odd) * 20 > sample.len() && even.min(odd) * 4 < even.max(odd);
    // Text of Chinese alone has almost no zeros, but its line ends and full stops are telling.
    (many && !encoding.decode_without_bom_handling(sample).1).then_some(encoding)
}

fn looks_binary(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(8192)];
    sample.contains(&0)
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let sample = &bytes[..bytes.len().min(GUESS_BYTES)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, sample.len() == bytes.len());
    let guessed = detector.guess(None, Utf8Detection::Deny);
    // Short Chinese text is often taken for a Western encoding; valid GB18030 whose double bytes
    // are common characters, or valid Big5, is the better guess for these readers.
    if guessed.is_single_byte() {
        let likely = |encoding: &'static Encoding| is_mostly_han(sample, encoding);
        if likely(GB18030) {
            return GB18030;
        }
        if likely(BIG5) {
            return BIG5;
        }
    }
    guessed
}

fn is_mostly_han(bytes: &[u8], encoding: &'static Encoding) -> bool {
    let (text, bad) = encoding.decode_without_bom_handling(bytes);
    let (mut han, mut other) = (0usize, 0usize);
    for ch in text.chars().filter(|ch| !ch.is_ascii()) {
        match ch {
            '\u{4e00}'..='\u{9fff}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' => han += 1,
            _ => other += 1,
        }
    }
    !bad && han >= 2 && han > other * 9
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
