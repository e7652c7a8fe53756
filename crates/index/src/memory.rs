//! The doubles: both traits in memory, as plainly as can be, for tests and for checking the real ones.
//!
//! They know no files; what they hold is gone with them.

use crate::text::{best_first, fold::fold, fold::lower, scan::Piece, scan::scan};
use crate::{Change, DocumentSet, Hit, TextIndex, VectorIndex};
use parking_lot::RwLock;
use std::collections::{BTreeMap, HashSet};
use yizhan_domain::{DocumentId, Error, Result, Sequence};

#[derive(Default)]
struct State {
    documents: BTreeMap<DocumentId, Change>,
    seen: Sequence,
    durable: Sequence,
}

impl State {
    fn apply(&mut self, changes: &[Change], keep: impl Fn(&Change) -> Change) {
        for change in changes {
            self.documents.insert(change.document, keep(change));
            self.seen = self.seen.max(change.sequence);
        }
    }

    fn len(&self) -> usize {
        self.documents.values().map(|change| change.entries.len()).sum()
    }

    fn best(&self, top: usize, within: Option<&DocumentSet>, score: impl Fn(&crate::Entry) -> Option<f32>) -> Vec<Hit> {
        let allowed = self.documents.values().filter(|change| within.is_none_or(|set| set.contains(change.document)));
        let mut hits: Vec<Hit> = allowed
            .flat_map(|change| change.entries.iter().map(move |entry| (change.document, entry)))
            .filter_map(|(document, entry)| Some(Hit { chunk: entry.chunk, document, score: score(entry)? }))
            .collect();
        hits.sort_unstable_by(best_first);
        hits.truncate(top);
        hits
    }
}

/// Counts the query's distinct words and characters that a chunk has.
#[derive(Default)]
pub struct MemoryTextIndex(RwLock<State>);

impl TextIndex for MemoryTextIndex {
    fn apply(&self, changes: &[Change]) -> Result<()> {
        self.0.write().apply(changes, Change::clone);
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        let mut state = self.0.write();
        state.durable = state.seen;
        Ok(())
    }

    fn applied(&self) -> Sequence {
        self.0.read().durable
    }

    fn search(&self, query: &str, top: usize, within: Option<&DocumentSet>) -> Result<Vec<Hit>> {
        let wanted = words(query);
        let score = |entry: &crate::Entry| {
            let mut has = words(&entry.text);
            has.extend(words(&entry.heading));
            let shared = wanted.intersection(&has).count();
            (shared > 0).then_some(shared as f32)
        };
        Ok(self.0.read().best(top, within, score))
    }

    fn len(&self) -> usize {
        self.0.read().len()
    }
}

fn words(text: &str) -> HashSet<String> {
    let mut words = HashSet::new();
    scan(&fold(text), |piece| match piece {
        Piece::Cjk(run) => words.extend(run.chars().map(String::from)),
        Piece::Word(word) | Piece::Whole(word) | Piece::Part(word) => {
            words.insert(lower(&word));
        }
    });
    words
}

/// Compares the query with every vector.
pub struct MemoryVectorIndex {
    dimensions: usize,
    state: RwLock<State>,
}

impl MemoryVectorIndex {
    /// For vectors of this length.
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, state: RwLock::default() }
    }
}

impl VectorIndex for MemoryVectorIndex {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn apply(&self, changes: &[Change]) -> Result<()> {
        check_entries(changes, self.dimensions)?;
        self.state.write().apply(changes, |change| {
            let usable = change.entries.iter().filter(|entry| is_usable(&entry.vector)).cloned().collect();
            Change { entries: usable, ..change.clone() }
        });
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        let mut state = self.state.write();
        state.durable = state.seen;
        Ok(())
    }

    fn applied(&self) -> Sequence {
        self.state.read().durable
    }

    fn search(&self, query: &[f32], top: usize, within: Option<&DocumentSet>) -> Result<Vec<Hit>> {
        check_query(query, self.dimensions)?;
        let dot = |entry: &crate::Entry| Some(entry.vector.iter().zip(query).map(|(a, b)| a * b).sum());
        Ok(self.state.read().best(top, within, dot))
    }

    fn len(&self) -> usize {
        self.state.read().len()
    }
}

/// Every vector is empty or of the right length.
pub(crate) fn check_entries(changes: &[Change], dimensions: usize) -> Result<()> {
    for entry in changes.iter().flat_map(|change| &change.entries) {
        let length = entry.vector.len();
        if length != 0 && length != dimensions {
            let chunk = entry.chunk;
            let message = format!(
                "The vector of chunk {chunk} has {length} dimensions, the index has {dimensions}. Embed the base again with its own model."
            );
            return Err(Error::invalid("vector", message));
        }
    }
    Ok(())
}

/// A query is of the right length and finite.
pub(crate) fn check_query(query: &[f32], dimensions: usize) -> Result<()> {
    let length = query.len();
    if length != dimensions {
        let message = format!(
            "The query's vector has {length} dimensions, the index has {dimensions}. Use the base's own embedding model."
        );
        return Err(Error::invalid("vector", message));
    }
    if !query.iter().all(|value| value.is_finite()) {
        return Err(Error::invalid("vector", "The query's vector holds a value that is not a finite number."));
    }
    Ok(())
}

/// Not empty, and every value finite: what is not could be compared with nothing.
pub(crate) fn is_usable(vector: &[f32]) -> bool {
    !vector.is_empty() && vector.iter().all(|value| value.is_finite())
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
