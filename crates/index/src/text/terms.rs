//! Text → index terms: what one field of one chunk holds, and what a query looks for.
//!
//! It does not know tantivy; see [`super::index`] for fields and scores.

use super::fold::{fold, lower};
use super::scan::{Piece, scan};
use super::segment::{UserWords, bigrams, words};

/// Terms of a text, in two kinds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Terms {
    /// Jieba's words, the base's own words, and everything that is not CJK, whole and in parts.
    pub(crate) words: Vec<String>,
    /// Pairs of CJK characters, and single ones.
    pub(crate) grams: Vec<String>,
}

/// The terms that a text is found by.
pub(crate) fn of_text(text: &str, user: &UserWords) -> Terms {
    let mut terms = Terms::default();
    let folded = fold(text);
    scan(&folded, |piece| match piece {
        Piece::Cjk(run) => {
            words(run, |word| terms.words.push(word.to_owned()));
            bigrams(run, |pair| terms.grams.push(pair.to_owned()));
            terms.grams.extend(run.chars().map(String::from));
        }
        Piece::Word(word) => terms.words.push(singular(word)),
        Piece::Part(part) => terms.words.push(singular(part)),
        Piece::Whole(whole) => terms.words.push(whole),
    });
    user.find(&lower(&folded), |word| terms.words.push(word.to_owned()));
    terms
}

/// What a query's term is, and so how much it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A word of a script with spaces.
    Word,
    /// An identifier of several parts.
    Whole,
    /// One part of an identifier.
    Part,
    /// A word that jieba knows.
    Cjk,
    /// A word of the base's own dictionary.
    Own,
    /// A pair of CJK characters, or a single one that stands alone.
    Gram,
}

/// The terms that a query looks for, in order, with repetition.
pub(crate) fn of_query(text: &str, user: &UserWords) -> Vec<(Kind, String)> {
    let mut terms = Vec::new();
    let folded = fold(text);
    scan(&folded, |piece| match piece {
        Piece::Cjk(run) => {
            words(run, |word| terms.push((Kind::Cjk, word.to_owned())));
            bigrams(run, |pair| terms.push((Kind::Gram, pair.to_owned())));
            if run.chars().nth(1).is_none() {
                terms.push((Kind::Gram, run.to_owned()));
            }
        }
        Piece::Word(word) => terms.push((Kind::Word, singular(word))),
        Piece::Part(part) => terms.push((Kind::Part, singular(part))),
        Piece::Whole(whole) => terms.push((Kind::Whole, whole)),
    });
    user.find(&lower(&folded), |word| terms.push((Kind::Own, word.to_owned())));
    terms
}

/// Folds English plurals (Harman's S-stemmer, 1991): it hardly ever joins words that differ in meaning.
fn singular(mut word: String) -> String {
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| word.ends_with(suffix));
    if word.len() < 4 || !ends(&["s"]) || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word;
    }
    if ends(&["ies"]) && !ends(&["eies", "aies"]) {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if !ends(&["aes", "ees", "oes", "us", "ss"]) {
        word.truncate(word.len() - 1);
    }
    word
}

#[cfg(test)]
#[path = "terms_tests.rs"]
mod tests;
