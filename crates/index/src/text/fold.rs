//! Forms that mean the same become one: width, compatibility forms, traditional and simplified.
//!
//! It does not know words. Case is left alone, because `camelCase` is cut by it; see [`super::scan`].

use ferrous_opencc::{OpenCC, config::BuiltinConfig};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// NFKC, then each traditional character becomes its simplified one. Both sides of a search pass
/// through it, so that a character that has two readings (乾) is still found.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let normal: Cow<'_, str> = match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfkc().collect()),
    };
    if !normal.chars().any(is_han) {
        return normal;
    }
    let simplified = simplified();
    if normal.chars().any(|c| simplified.contains_key(&c)) {
        return Cow::Owned(normal.chars().map(|c| *simplified.get(&c).unwrap_or(&c)).collect());
    }
    normal
}

/// Lower case, character by character.
pub(crate) fn lower(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().flat_map(char::to_lowercase).collect() }
}

/// A character of a script that is written without spaces, or in syllable blocks.
pub(crate) fn is_cjk(c: char) -> bool {
    is_han(c) || matches!(u32::from(c), 0x3041..=0x30FF | 0x31F0..=0x31FF | 0x1100..=0x11FF | 0xAC00..=0xD7AF)
}

/// A Chinese character.
pub(crate) fn is_han(c: char) -> bool {
    matches!(u32::from(c), 0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x3005..=0x3007 | 0xF900..=0xFAFF | 0x20000..=0x323AF)
}

/// Traditional to simplified, for single characters: made once from OpenCC's table, a few thousand
/// pairs, so that its dictionaries need not stay in memory.
fn simplified() -> &'static HashMap<char, char> {
    static MAP: OnceLock<HashMap<char, char>> = OnceLock::new();
    MAP.get_or_init(|| {
        let Ok(converter) = OpenCC::from_config(BuiltinConfig::T2s) else {
            tracing::error!("OpenCC's table did not load: traditional and simplified forms stay apart");
            return HashMap::new();
        };
        let ranges = [0x3400..=0x4DBFu32, 0x4E00..=0x9FFF, 0x20000..=0x2FA1F];
        ranges.into_iter().flatten().filter_map(char::from_u32).filter_map(|c| pair(&converter, c)).collect()
    })
}

fn pair(converter: &OpenCC, traditional: char) -> Option<(char, char)> {
    let converted = converter.convert(traditional.encode_utf8(&mut [0; 4]));
    let mut characters = converted.chars();
    match (characters.next(), characters.next()) {
        (Some(simple), None) if simple != traditional => Some((traditional, simple)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
