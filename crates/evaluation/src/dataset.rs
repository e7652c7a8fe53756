//! A data set for retrieval, whatever file it came from.
//!
//! It does not know how passages are indexed.

use std::collections::HashMap;

/// A text that can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// What it is called in the data set; may be empty, need not be unique.
    pub title: String,
    /// The text. No two passages of a set have the same one.
    pub text: String,
}

/// A question and where its answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The data set's own name of it; may be empty.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// The passages that answer it, as positions in [`RetrievalSet::passages`]; never empty.
    pub relevant: Vec<usize>,
}

/// Passages, and questions that they answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetrievalSet {
    /// What is searched.
    pub passages: Vec<Passage>,
    /// What is asked.
    pub questions: Vec<Question>,
}

impl RetrievalSet {
    /// Keeps the first `limit` questions and every passage, so that the search stays as hard.
    pub fn limit_questions(mut self, limit: usize) -> Self {
        self.questions.truncate(limit);
        self
    }
}

/// Collects passages, each text once.
#[derive(Default)]
pub(crate) struct Passages {
    passages: Vec<Passage>,
    known: HashMap<String, usize>,
}

impl Passages {
    /// The position of this text, which is added if it is new.
    pub(crate) fn add(&mut self, title: &str, text: String) -> usize {
        let next = self.passages.len();
        let position = *self.known.entry(text.clone()).or_insert(next);
        if position == next {
            self.passages.push(Passage { title: title.to_owned(), text });
        }
        position
    }

    pub(crate) fn into_vec(self) -> Vec<Passage> {
        self.passages
    }
}
