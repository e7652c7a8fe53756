//! [`FlatIndex`]: rows in a mapped file, found by codes in memory and compared exactly.
//!
//! It does not know the store. A directory holds `lock`, `current` (which generation counts), and
//! `log-N`, `rows-N` and, from a few thousand rows on, `codes-N` of that generation. Compaction
//! writes the next one beside it and then moves `current`.

use super::directory::{current, failure, lock, remove_others, set_current};
use super::state::State;
use crate::memory::{check_entries, check_query};
use crate::{Change, DocumentSet, Hit, VectorIndex};
use parking_lot::{Mutex, RwLock};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use yizhan_domain::{Error, Result, Sequence};

/// Dead rows that compaction waits for, whatever their share.
const FEWEST_DEAD: usize = 4_096;
/// A log longer than this, and than what its rows need, is compacted as well, bytes.
const LONG_LOG: u64 = 1 << 20;

/// A vector index in a directory of its own. Scores are inner products, exact in every result;
/// among very many rows a true best one is missed about once in five hundred.
pub struct FlatIndex {
    directory: PathBuf,
    dimensions: usize,
    state: RwLock<State>,
    /// Held by whoever changes the state; searches take `state` only.
    writing: Mutex<()>,
    durable: AtomicU64,
    /// Kept locked as long as the index is open.
    _lock: File,
}

impl FlatIndex {
    /// Opens the index in `directory`, or makes it there when the directory is empty or missing.
    ///
    /// # Errors
    /// `InvalidConfig` when what is there is damaged, foreign, or for vectors of another length:
    /// empty the directory, open it again, and replay from sequence 0. `Conflict` when another
    /// process has it open. `Io` when the disk fails.
    pub fn open(directory: &Path, dimensions: usize) -> Result<Self> {
        if dimensions == 0 || dimensions > 1 << 16 {
            return Err(Error::invalid("dimensions", format!("A vector cannot have {dimensions} dimensions.")));
        }
        fs::create_dir_all(directory).map_err(|error| failure(directory, error))?;
        let lock = lock(directory)?;
        let generation = current(directory, dimensions)?;
        let state = State::open(directory, generation, dimensions)?;
        remove_others(directory, generation);
        let durable = AtomicU64::new(state.seen);
        let (state, directory) = (RwLock::new(state), directory.to_owned());
        Ok(Self { directory, dimensions, state, writing: Mutex::new(()), durable, _lock: lock })
    }

    /// As [`VectorIndex::search`], but every row is compared: what the search is measured against.
    pub fn search_exactly(&self, query: &[f32], top: usize, within: Option<&DocumentSet>) -> Result<Vec<Hit>> {
        check_query(query, self.dimensions)?;
        Ok(self.state.read().search_exactly(query, top, within))
    }

    fn failed(&self, error: io::Error) -> Error {
        failure(&self.directory, error)
    }

    /// Makes codes, for the first time or around a new centre, while searches go on.
    fn encode(&self) {
        let codes = {
            let state = self.state.read();
            state.needs_codes().then(|| state.encode_all(self.dimensions))
        };
        if let Some(codes) = codes {
            self.state.write().set_codes(codes);
        }
    }

    /// Writes the rows that are alive into the next generation, when enough are dead, while
    /// searches go on.
    fn compact(&self) -> io::Result<()> {
        let next = {
            let state = self.state.read();
            let dead = state.rows.len() - state.live;
            let long = state.log.length() > LONG_LOG + 64 * state.live as u64;
            if (dead < FEWEST_DEAD || dead < state.live / 2) && !long {
                return Ok(());
            }
            state.rewrite(&self.directory, self.dimensions)?
        };
        set_current(&self.directory, next.generation)?;
        let generation = next.generation;
        *self.state.write() = next;
        remove_others(&self.directory, generation);
        Ok(())
    }
}

impl VectorIndex for FlatIndex {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn apply(&self, changes: &[Change]) -> Result<()> {
        check_entries(changes, self.dimensions)?;
        let _writing = self.writing.lock();
        let mut state = self.state.write();
        changes.iter().try_for_each(|change| state.put(change)).map_err(|error| self.failed(error))
    }

    fn flush(&self) -> Result<()> {
        let _writing = self.writing.lock();
        self.encode();
        self.state.read().persist(&self.directory).map_err(|error| self.failed(error))?;
        let seen = {
            let mut state = self.state.write();
            state.commit().map_err(|error| self.failed(error))?;
            state.seen
        };
        self.durable.store(seen, Ordering::Release);
        // What was applied is durable already; a compaction that fails is tried again.
        self.compact().unwrap_or_else(|error| tracing::warn!(%error, "compacting a vector index failed"));
        Ok(())
    }

    fn applied(&self) -> Sequence {
        Sequence(self.durable.load(Ordering::Acquire))
    }

    fn search(&self, query: &[f32], top: usize, within: Option<&DocumentSet>) -> Result<Vec<Hit>> {
        check_query(query, self.dimensions)?;
        Ok(self.state.read().search(query, top, within))
    }

    fn len(&self) -> usize {
        self.state.read().live
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
