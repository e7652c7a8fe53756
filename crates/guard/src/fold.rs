//! Forms of a character that mean the same become one: compatibility forms and width (NFKC), case,
//! traditional and simplified, look-alike letters; what cannot be seen is dropped.
//!
//! The fold works on single characters, without context: the fold of a text is the folds of its
//! characters, one after another. So it can be computed on a stream, every folded character belongs to one
//! original character, and two texts that are equal under NFKC are equal when folded. It goes further than
//! NFKC: accents and strokes over letters are dropped, so that `f̶u̶c̶k̶` and `fück` are found too.
//!
//! It does not know words. OpenCC's table of single characters is kept as a file, because making it
//! at start takes longer than everything else together; a test compares both.

use std::collections::HashMap;
use std::sync::OnceLock;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// Pairs of a traditional and its simplified character, made by OpenCC's `t2s` (Apache-2.0).
const SIMPLIFIED: &str = include_str!("simplified.txt");

/// Letters of other scripts that look like a Latin one, after case folding.
const LOOKALIKES: [(&str, &str); 2] = [("аеорсухіјѕһкмтԁԛԝ", "aeopcyxijshkmtdqw"), ("οανρυικτ", "oavpuikt")];

const PAGE: usize = 256;
/// The end of what has an entry; characters from here on stand for themselves, tags excepted.
const END: u32 = 0x30000;
/// Entries from here on are not a character.
const DROPPED: u32 = 0x4000_0000;
const COMPUTED: u32 = 0x4000_0001;

/// Calls `each` with the folded characters of `c`: none, one or several.
pub(crate) fn fold_char(c: char, mut each: impl FnMut(char)) {
    if matches!(c, ' '..='~') {
        return each(c.to_ascii_lowercase());
    }
    match table().entry(c) {
        DROPPED => {}
        COMPUTED => compute(c, &table().simplified).chars().for_each(each),
        code => each(char::from_u32(code).unwrap_or(c)),
    }
}

/// Can `c` not be seen?
pub(crate) fn is_dropped(c: char) -> bool {
    table().entry(c) == DROPPED
}

/// The folded character, where it is exactly one.
pub(crate) fn fold_to_one(c: char) -> Option<char> {
    match table().entry(c) {
        DROPPED | COMPUTED => None,
        code => char::from_u32(code).map(|folded| folded.to_ascii_lowercase()),
    }
}

/// The fold of a whole text.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        fold_char(c, |f| folded.push(f));
    }
    folded
}

/// A folded character that words written with gaps may have between their characters. Block elements
/// (█) are none, so that what a mask leaves does not join what stands around it.
pub(crate) fn is_separator(c: char) -> bool {
    // The common ones first: the general answer is a search in a table.
    if c.is_ascii() {
        return !c.is_ascii_alphanumeric();
    }
    if matches!(c, '\u{4E00}'..='\u{9FFF}') {
        return false;
    }
    !c.is_alphanumeric() && !matches!(c, '\u{2580}'..='\u{259F}')
}

/// A letter or digit of a script that puts spaces between words.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { c < '\u{2E80}' && c.is_alphanumeric() }
}

struct Table {
    /// By `code / PAGE`: which page of `entries`.
    pages: Vec<u16>,
    entries: Vec<u32>,
    simplified: HashMap<char, char>,
}

impl Table {
    fn entry(&self, c: char) -> u32 {
        let code = u32::from(c);
        match self.pages.get(code as usize / PAGE) {
            Some(&page) if page > 0 => self.entries[(page as usize - 1) * PAGE + code as usize % PAGE],
            _ if (0xE0000..0xE1000).contains(&code) => DROPPED,
            _ => code,
        }
    }
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(build)
}

fn build() -> Table {
    let simplified: HashMap<char, char> =
        SIMPLIFIED.split_whitespace().filter_map(|pair| pair.chars().next().zip(pair.chars().nth(1))).collect();
    let mut pages = Vec::with_capacity(END as usize / PAGE);
    let mut entries = Vec::new();
    for page in 0..END / PAGE as u32 {
        let codes = page * PAGE as u32..(page + 1) * PAGE as u32;
        let made: Vec<u32> = codes.clone().map(|code| entry(code, &simplified)).collect();
        if codes.eq(made.iter().copied()) {
            pages.push(0);
        } else {
            entries.extend(made);
            pages.push((entries.len() / PAGE) as u16);
        }
    }
    Table { pages, entries, simplified }
}

fn entry(code: u32, simplified: &HashMap<char, char>) -> u32 {
    let Some(c) = char::from_u32(code) else { return code };
    match code {
        // Unified ideographs have no compatibility forms: the table of pairs is all.
        0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0x20000..=0x2F7FF => u32::from(simplify(c, simplified)),
        // Hangul syllables come apart by arithmetic; there are too many for a table.
        0xAC00..=0xD7A3 => COMPUTED,
        _ => {
            let folded = compute(c, simplified);
            let mut characters = folded.chars();
            match (characters.next(), characters.next()) {
                (None, _) => DROPPED,
                (Some(one), None) => u32::from(one),
                _ => COMPUTED,
            }
        }
    }
}

fn compute(c: char, simplified: &HashMap<char, char>) -> String {
    let plain = |c: &char| !is_invisible(*c);
    c.nfkd()
        .filter(plain)
        .map(enclosed_letter)
        // Lower case first: the capital ẞ has no upper case, its small form has one of two letters.
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkd()
        .filter(plain)
        .map(|c| simplify(c, simplified))
        .map(look_alike)
        .collect()
}

/// A few simplified forms are themselves traditional ones of others (薴, 苧, 苎): the last one stands for all.
fn simplify(c: char, simplified: &HashMap<char, char>) -> char {
    let once = |c| simplified.get(&c).copied().unwrap_or(c);
    once(once(once(c)))
}

/// White-on-black and flag letters have no compatibility form of their own.
fn enclosed_letter(c: char) -> char {
    let code = u32::from(c);
    let from = match code {
        0x1F150..=0x1F169 => 0x1F150,
        0x1F170..=0x1F189 => 0x1F170,
        0x1F1E6..=0x1F1FF => 0x1F1E6,
        _ => return c,
    };
    char::from_u32(u32::from(b'a') + code - from).unwrap_or(c)
}

fn look_alike(c: char) -> char {
    if !matches!(u32::from(c), 0x370..=0x52F) {
        return c;
    }
    LOOKALIKES
        .iter()
        .flat_map(|(from, to)| from.chars().zip(to.chars()))
        .find(|pair| pair.0 == c)
        .map_or(c, |pair| pair.1)
}

/// Default-ignorable code points, controls that are no white space, and marks that hang on a letter
/// (the voicing marks of kana make other letters, and stay).
fn is_invisible(c: char) -> bool {
    match u32::from(c) {
        0..=8 | 0xE..=0x1F | 0x7F..=0x84 | 0x86..=0x9F => true,
        0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F => true,
        0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8 => true,
        0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF => true,
        0x300..=0x36F | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F => true,
        _ => matches!(canonical_combining_class(c), 1 | 200..),
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
