//! Other ways to write a word: in pinyin, with gaps.
//!
//! It does not match anything; it gives the patterns that are matched.

use crate::fold::{fold, is_separator, is_word};
use pinyin::ToPinyin;

/// Up to this many characters, every mixture of characters and pinyin is tried.
const MIXED_UP_TO: usize = 4;

/// What a word is looked for as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As it stands.
    Plain(String),
    /// As it stands, but not inside a longer word.
    Whole(String),
    /// In the text without separators.
    Gapped(String),
    /// In letters that stand alone.
    Spelled(String),
}

/// All spellings of one word of a list; none for a word of which folding leaves nothing.
pub(crate) fn spellings(word: &str, separators: bool, pinyin: bool, whole: bool) -> Vec<Spelling> {
    let folded = fold(word.trim());
    if folded.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    let bare: String = folded.chars().filter(|&c| !is_separator(c)).collect();
    let length = bare.chars().count();
    let latin = bare.chars().zip(bare.chars().skip(1)).any(|(a, b)| is_word(a) && is_word(b));
    match separators && length > 1 {
        true if !latin => all.push(Spelling::Gapped(bare)),
        true => {
            if length > 2 && bare.chars().all(is_word) {
                all.push(Spelling::Spelled(bare));
            }
            all.push(plain(&folded, whole));
        }
        false => all.push(plain(&folded, whole)),
    }
    if pinyin {
        all.extend(in_pinyin(&folded).into_iter().map(|text| plain(&text, true)));
    }
    all
}

/// Whole words need a boundary only where a letter or digit stands at their edge.
fn plain(folded: &str, whole: bool) -> Spelling {
    let edge = folded.starts_with(is_word) || folded.ends_with(is_word);
    if whole && edge { Spelling::Whole(folded.to_owned()) } else { Spelling::Plain(folded.to_owned()) }
}

/// Mixtures of characters and pinyin, and the pinyin alone with the usual marks between syllables.
fn in_pinyin(folded: &str) -> Vec<String> {
    let characters: Vec<(String, Option<String>)> =
        folded.chars().map(|c| (c.to_string(), c.to_pinyin().map(|syllable| fold(syllable.plain())))).collect();
    let Some(syllables) = characters.iter().map(|(_, syllable)| syllable.clone()).collect::<Option<Vec<_>>>() else {
        return Vec::new();
    };
    if syllables.len() < 2 {
        return Vec::new();
    }
    let mut all: Vec<String> = ["", " ", "-", "'"].iter().map(|mark| syllables.join(mark)).collect();
    if syllables.len() <= MIXED_UP_TO {
        // Bit i says that character i is written in pinyin; neither none nor all.
        for mixture in 1..(1usize << syllables.len()) - 1 {
            let pick = |(i, (c, _)): (usize, &(String, Option<String>))| {
                if mixture >> i & 1 == 1 { syllables[i].clone() } else { c.clone() }
            };
            all.push(characters.iter().enumerate().map(pick).collect());
        }
    }
    all
}

#[cfg(test)]
#[path = "spelling_tests.rs"]
mod tests;
