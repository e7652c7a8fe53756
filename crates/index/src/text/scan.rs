//! Text → runs: Chinese, Japanese and Korean characters on one side, words and identifiers on the other.
//!
//! It does not know dictionaries. Identifiers (`GB/T`, `ABC-1234.5`, `snake_case`, `camelCase`,
//! `v1.2.3`, addresses, paths) come out whole and in parts.

use super::fold::{is_cjk, lower};

/// Wholes longer than this (bytes) are kept in parts only: nobody types them.
const LONGEST_WHOLE: usize = 120;
/// Parts longer than this (bytes) are noise such as base64.
const LONGEST_PART: usize = 60;

/// A piece of folded text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Consecutive characters of a script without spaces.
    Cjk(&'a str),
    /// A word, lower case.
    Word(String),
    /// An identifier of several parts, lower case, connectors inside.
    Whole(String),
    /// One of its parts, lower case.
    Part(String),
}

/// Cuts folded text into pieces, in order; an identifier is followed by its parts.
pub(crate) fn scan<'a>(text: &'a str, mut emit: impl FnMut(Piece<'a>)) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if is_cjk(first) {
            let length = rest.find(|c| !is_cjk(c)).unwrap_or(rest.len());
            emit(Piece::Cjk(&rest[..length]));
            length
        } else if first.is_alphanumeric() {
            let length = identifier_length(rest);
            identifier(&rest[..length], &mut emit);
            length
        } else {
            first.len_utf8()
        };
        rest = &rest[length..];
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() && !is_cjk(c)
}

fn is_connector(c: char) -> bool {
    matches!(c, '-' | '_' | '.' | '/' | '\\' | ':' | '@' | '#' | '+' | '&' | '\'' | '~' | '%' | '=' | '?')
}

/// Bytes of the identifier at the start: words held together by up to three connectors
/// (`https://x`), and a `++` or `#` at the end of it (`C++`, `C#`).
fn identifier_length(text: &str) -> usize {
    let mut end = 0;
    let mut connectors = 0;
    let mut previous = ' ';
    for (position, c) in text.char_indices() {
        if is_word(c) {
            end = position + c.len_utf8();
            connectors = 0;
        } else if c == ',' && connectors == 0 && previous.is_ascii_digit() {
            // 1,234: goes on only when three digits follow.
            let after = &text.as_bytes()[position + 1..];
            let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits != 3 {
                break;
            }
        } else if is_connector(c) && connectors < 3 {
            connectors += 1;
        } else {
            break;
        }
        previous = c;
    }
    let suffix = text[end..].bytes().take(2).take_while(|byte| matches!(byte, b'+' | b'#')).count();
    let letter_before = text[..end].ends_with(|c: char| c.is_ascii_alphabetic());
    if letter_before { end + suffix } else { end }
}

fn identifier<'a>(text: &str, emit: &mut impl FnMut(Piece<'a>)) {
    // Digits in groups are one number.
    let without_groups;
    let text = if text.contains(',') {
        without_groups = text.replace(',', "");
        without_groups.as_str()
    } else {
        text
    };
    let simple = text.chars().all(is_word);
    let subparts = |segment: &str| -> Vec<String> { case_parts(segment).into_iter().map(lower).collect() };
    if simple {
        let parts = subparts(text);
        if parts.len() < 2 {
            if text.len() <= LONGEST_PART {
                emit(Piece::Word(lower(text)));
            }
            return;
        }
        emit_identifier(text, parts, emit);
        return;
    }
    let mut parts = Vec::new();
    for segment in text.split(|c| !is_word(c)).filter(|segment| !segment.is_empty()) {
        let inner = subparts(segment);
        parts.push(lower(segment));
        if inner.len() > 1 {
            parts.extend(inner);
        }
    }
    emit_identifier(text, parts, emit);
}

fn emit_identifier<'a>(text: &str, parts: Vec<String>, emit: &mut impl FnMut(Piece<'a>)) {
    if text.len() <= LONGEST_WHOLE {
        emit(Piece::Whole(lower(text)));
    }
    for part in parts.into_iter().filter(|part| part.len() <= LONGEST_PART) {
        emit(Piece::Part(part));
    }
}

/// Cuts at changes of case and between letters and digits: `HTTPServer2` → `HTTP`, `Server`, `2`.
fn case_parts(word: &str) -> Vec<&str> {
    let characters: Vec<(usize, char)> = word.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, pair) in characters.windows(2).enumerate() {
        let ((_, before), (position, after)) = (pair[0], pair[1]);
        let next = characters.get(index + 2).map(|&(_, c)| c);
        let cut = before.is_numeric() != after.is_numeric()
            || (before.is_lowercase() && after.is_uppercase())
            || (before.is_uppercase() && after.is_uppercase() && next.is_some_and(char::is_lowercase));
        if cut {
            parts.push(&word[start..position]);
            start = position;
        }
    }
    parts.push(&word[start..]);
    parts
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
