//! Chinese text → words: jieba's dictionary for everybody, and a base's own words on top.
//!
//! It does not know scores or fields. The dictionary takes some 0.3 s and tens of megabytes, so it is
//! loaded when the first Chinese character comes by, once for the whole process.

use super::fold::{fold, is_cjk, lower};
use jieba_rs::Jieba;
use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// Emits the words of a run of CJK characters, compounds with the shorter words inside them.
pub(crate) fn words(run: &str, mut emit: impl FnMut(&str)) {
    for token in JIEBA.cut_for_search(run, true) {
        emit(token.word);
    }
}

/// Emits every pair of neighbouring characters.
pub(crate) fn bigrams(run: &str, mut emit: impl FnMut(&str)) {
    let starts: Vec<usize> = run.char_indices().map(|(start, _)| start).chain([run.len()]).collect();
    for window in starts.windows(3) {
        emit(&run[window[0]..window[2]]);
    }
}

/// A base's own words. Where one stands in a text it becomes a word of its own beside jieba's, so
/// that one copy of the large dictionary serves all bases and a word such as `A型钢` may mix scripts.
#[derive(Debug, Default)]
pub(crate) struct UserWords {
    words: HashSet<String>,
    starts: HashSet<char>,
    lengths: BTreeSet<usize>,
}

impl UserWords {
    /// Longest word that counts, in characters.
    const LONGEST: usize = 32;

    /// Words that a search could not otherwise find whole: those with a CJK character.
    pub(crate) fn new(dictionary: &[String]) -> Self {
        let mut user = Self::default();
        for line in dictionary {
            let word = lower(fold(line.trim()).as_ref());
            let length = word.chars().count();
            if (2..=Self::LONGEST).contains(&length) && word.chars().any(is_cjk) {
                user.starts.extend(word.chars().next());
                user.lengths.insert(length);
                user.words.insert(word);
            }
        }
        user
    }

    /// Tells two dictionaries apart (FNV-1a over the words in order).
    pub(crate) fn fingerprint(&self) -> u64 {
        let words: BTreeSet<&str> = self.words.iter().map(String::as_str).collect();
        let bytes = words.into_iter().flat_map(|word| word.bytes().chain([b'\n']));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// Emits each place where one of the words stands in folded, lower-case text.
    pub(crate) fn find(&self, text: &str, mut emit: impl FnMut(&str)) {
        if self.words.is_empty() {
            return;
        }
        let starts: Vec<usize> = text.char_indices().map(|(start, _)| start).chain([text.len()]).collect();
        for (index, c) in text.chars().enumerate().filter(|(_, c)| self.starts.contains(c)) {
            debug_assert!(text[starts[index]..].starts_with(c));
            for end in self.lengths.iter().filter_map(|length| starts.get(index + length)) {
                let word = &text[starts[index]..*end];
                if self.words.contains(word) {
                    emit(word);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "segment_tests.rs"]
mod tests;
