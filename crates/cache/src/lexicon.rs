//! The words that may differ between questions with the same answer, read from `lexicon.txt` once.
//!
//! It does not know texts: it is a table.

use crate::words::stem;
use std::collections::HashMap;
use std::sync::OnceLock;

/// What a word or phrase stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    /// Nothing that matters.
    Drop,
    /// The same as all others of this name.
    Same(&'static str),
    /// What is asked for.
    Ask(&'static str),
    /// A negation.
    Not,
    /// Itself.
    Plain,
}

/// The table.
pub(crate) struct Lexicon {
    senses: HashMap<String, Sense>,
    /// Words of the longest English phrase.
    pub(crate) longest_phrase: usize,
    /// Characters of the longest Chinese word.
    pub(crate) longest_word: usize,
}

impl Lexicon {
    /// The one that is built in.
    pub(crate) fn get() -> &'static Self {
        static LEXICON: OnceLock<Lexicon> = OnceLock::new();
        LEXICON.get_or_init(|| Self::read(include_str!("lexicon.txt")))
    }

    fn read(text: &'static str) -> Self {
        let mut read = Self { senses: HashMap::new(), longest_phrase: 1, longest_word: 1 };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((head, words)) = line.split_once(':') else { continue };
            let sense = match head.split_once(' ') {
                Some(("same", name)) => Sense::Same(name),
                Some(("ask", kind)) => Sense::Ask(kind),
                _ if head == "drop" => Sense::Drop,
                _ if head == "not" => Sense::Not,
                _ => Sense::Plain,
            };
            for word in words.split(',').map(str::trim).filter(|word| !word.is_empty()) {
                read.add(word, sense);
            }
        }
        read
    }

    fn add(&mut self, word: &str, sense: Sense) {
        let key = match word.is_ascii() {
            true => {
                let words: Vec<String> = word.split(' ').map(stem).collect();
                self.longest_phrase = self.longest_phrase.max(words.len());
                words.join(" ")
            }
            false => {
                self.longest_word = self.longest_word.max(word.chars().count());
                word.to_owned()
            }
        };
        // What was written first holds.
        self.senses.entry(key).or_insert(sense);
    }

    /// The sense of a word or phrase: English ones stemmed and joined by spaces.
    pub(crate) fn sense(&self, word: &str) -> Option<Sense> {
        self.senses.get(word).copied()
    }
}
