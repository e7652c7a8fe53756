//! [`FlatIndex`]: rows in a mapped file, searched exactly.
//!
//! It does not know the store. A directory holds `lock`, `current` (which generation counts), and
//! `log-N` and `rows-N` of that generation; compaction writes the next one and then moves `current`.

use super::kernel::dot;
use super::log::{Log, Record};
use super::rows::Rows;
use crate::memory::{check_entries, check_query, is_usable};
use crate::text::{Ranked, best_first};
use crate::{Change, DocumentSet, Hit, VectorIndex};
use parking_lot::{Mutex, RwLock};
use std::collections::{BinaryHeap, HashMap};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use yizhan_domain::{ChunkId, DocumentId, Error, ErrorCode, Result, Sequence};

/// Dead rows that compaction waits for, whatever their share.
const FEWEST_DEAD: usize = 4_096;

/// A vector index in a directory of its own.
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

/// What a generation holds.
struct State {
    generation: u64,
    log: Log,
    rows: Rows,
    /// Chunk and document of each row, dead or alive.
    chunks: Vec<u64>,
    owners: Vec<u64>,
    /// Each document's rows. Rows that belong to no document are dead.
    documents: HashMap<u64, Range<usize>>,
    live: usize,
    seen: u64,
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
        let failed = |error| failure(directory, error);
        fs::create_dir_all(directory).map_err(failed)?;
        let lock = lock(directory)?;
        let generation = match fs::read_to_string(directory.join("current")) {
            Ok(text) => text.trim().parse().map_err(|_| rebuild(directory, "`current` names no generation"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make_first(directory, dimensions)?,
            Err(error) => return Err(failed(error)),
        };
        let state = State::open(directory, generation, dimensions)?;
        remove_others(directory, generation);
        let durable = AtomicU64::new(state.seen);
        let state = RwLock::new(state);
        let directory = directory.to_owned();
        Ok(Self { directory, dimensions, state, writing: Mutex::new(()), durable, _lock: lock })
    }

    fn failed(&self, error: io::Error) -> Error {
        failure(&self.directory, error)
    }

    /// Writes the rows that are alive into the next generation, when enough are dead.
    fn compact(&self) -> io::Result<()> {
        let next = {
            let state = self.state.read();
            let dead = state.rows.len() - state.live;
            let crowded = state.log.length() > (1 << 20) + 64 * state.live as u64;
            if (dead < FEWEST_DEAD || dead < state.live / 2) && !crowded {
                return Ok(());
            }
            state.rewrite(&self.directory, self.dimensions)?
        };
        write_current(&self.directory, next.generation)?;
        let generation = next.generation;
        // The old files go while no search looks at them.
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
        for change in changes {
            state.put(change).map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        let _writing = self.writing.lock();
        let seen = {
            let mut state = self.state.write();
            state.commit().map_err(|error| self.failed(error))?;
            state.seen
        };
        self.durable.store(seen, Ordering::Release);
        self.compact().map_err(|error| self.failed(error))
    }

    fn applied(&self) -> Sequence {
        Sequence(self.durable.load(Ordering::Acquire))
    }

    fn search(&self, query: &[f32], top: usize, within: Option<&DocumentSet>) -> Result<Vec<Hit>> {
        check_query(query, self.dimensions)?;
        let state = self.state.read();
        Ok(state.search(query, top, within))
    }

    fn len(&self) -> usize {
        self.state.read().live
    }
}

impl State {
    fn open(directory: &Path, generation: u64, dimensions: usize) -> Result<Self> {
        let failed = |error| failure(directory, error);
        let (log, records) = Log::open(&file(directory, "log", generation)).map_err(failed)?;
        let Some((Record::Open { dimensions: found }, records)) = records.split_first() else {
            return Err(rebuild(directory, "its log is not one of this version"));
        };
        if *found as usize != dimensions {
            let why = format!("it holds vectors of {found} dimensions, not {dimensions}");
            return Err(rebuild(directory, &why));
        }
        let Some(Record::Commit { sequence, rows }) = records.last() else {
            return Err(rebuild(directory, "its log holds no commit"));
        };
        let rows = usize::try_from(*rows).map_err(|_| rebuild(directory, "its log is damaged"))?;
        let rows = match Rows::open(&file(directory, "rows", generation), dimensions, rows) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(rebuild(directory, &error.to_string()));
            }
            other => other.map_err(failed)?,
        };
        let mut state = Self::of(generation, log, rows);
        state.seen = *sequence;
        for record in records {
            if let Record::Put { document, first, chunks } = record {
                let first = usize::try_from(*first).unwrap_or(usize::MAX);
                if first.checked_add(chunks.len()).is_none_or(|end| end > state.rows.len()) {
                    return Err(rebuild(directory, "its log names rows that are not there"));
                }
                state.remember(*document, first, chunks);
            }
        }
        Ok(state)
    }

    fn of(generation: u64, log: Log, rows: Rows) -> Self {
        let (chunks, owners) = (vec![0; rows.len()], vec![0; rows.len()]);
        Self { generation, log, rows, chunks, owners, documents: HashMap::new(), live: 0, seen: 0 }
    }

    /// Appends a change's rows and logs it.
    fn put(&mut self, change: &Change) -> io::Result<()> {
        let usable = || change.entries.iter().filter(|entry| is_usable(&entry.vector));
        let chunks: Vec<u64> = usable().map(|entry| entry.chunk.0).collect();
        let (document, first) = (change.document.0, self.rows.len());
        if !chunks.is_empty() || self.documents.contains_key(&document) {
            self.rows.append(usable().map(|entry| entry.vector.as_slice()))?;
            let record = Record::Put { document, first: first as u64, chunks: chunks.clone() };
            self.log.append(&record).inspect_err(|_| self.rows.truncate(first))?;
            self.remember(document, first, &chunks);
        }
        self.seen = self.seen.max(change.sequence.0);
        Ok(())
    }

    fn remember(&mut self, document: u64, first: usize, chunks: &[u64]) {
        if let Some(old) = self.documents.remove(&document) {
            self.live -= old.len();
        }
        let end = first + chunks.len();
        if self.chunks.len() < end {
            self.chunks.resize(end, 0);
            self.owners.resize(end, 0);
        }
        self.chunks[first..end].copy_from_slice(chunks);
        self.owners[first..end].fill(document);
        if !chunks.is_empty() {
            self.documents.insert(document, first..end);
            self.live += chunks.len();
        }
    }

    fn commit(&mut self) -> io::Result<()> {
        self.rows.sync()?;
        self.log.append(&Record::Commit { sequence: self.seen, rows: self.rows.len() as u64 })?;
        self.log.sync()
    }

    /// The next generation: the same without what is dead.
    fn rewrite(&self, directory: &Path, dimensions: usize) -> io::Result<Self> {
        let generation = self.generation + 1;
        let path = file(directory, "rows", generation);
        // What a compaction that did not finish has left.
        File::create(&path)?;
        let log = Log::create(&file(directory, "log", generation), dimensions as u32)?;
        let mut next = Self::of(generation, log, Rows::open(&path, dimensions, 0)?);
        let mut documents: Vec<(&u64, &Range<usize>)> = self.documents.iter().collect();
        documents.sort_unstable_by_key(|(_, range)| range.start);
        for (document, range) in documents {
            let first = next.rows.len();
            next.rows.append(range.clone().map(|row| self.rows.row(row)))?;
            let chunks = self.chunks[range.clone()].to_vec();
            next.log.append(&Record::Put { document: *document, first: first as u64, chunks: chunks.clone() })?;
            next.remember(*document, first, &chunks);
        }
        next.seen = self.seen;
        next.commit()?;
        Ok(next)
    }

    fn search(&self, query: &[f32], top: usize, within: Option<&DocumentSet>) -> Vec<Hit> {
        let ranges = self.ranges(within);
        self.exact(query, top, ranges.into_iter().flatten())
    }

    /// The rows that a search may return, ascending.
    fn ranges(&self, within: Option<&DocumentSet>) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = match within {
            Some(set) => {
                set.as_slice().iter().filter_map(|document| self.documents.get(&document.0).cloned()).collect()
            }
            None => self.documents.values().cloned().collect(),
        };
        ranges.sort_unstable_by_key(|range| range.start);
        ranges
    }

    /// Compares the query with each of these rows.
    fn exact(&self, query: &[f32], top: usize, rows: impl Iterator<Item = usize>) -> Vec<Hit> {
        let mut heap = BinaryHeap::new();
        if top == 0 {
            return Vec::new();
        }
        for row in rows {
            let score = dot(query, self.rows.row(row));
            let hit = Hit { chunk: ChunkId(self.chunks[row]), document: DocumentId(self.owners[row]), score };
            heap.push(Ranked(hit));
            if heap.len() > top {
                heap.pop();
            }
        }
        let mut hits: Vec<Hit> = heap.into_iter().map(|ranked| ranked.0).collect();
        hits.sort_unstable_by(best_first);
        hits
    }
}

fn file(directory: &Path, name: &str, generation: u64) -> PathBuf {
    directory.join(format!("{name}-{generation}"))
}

fn lock(directory: &Path) -> Result<File> {
    let path = directory.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| failure(directory, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let place = directory.display();
            let message = format!("The vector index in {place} is open in another process; stop it or ask it.");
            Err(Error::new(ErrorCode::Conflict, message))
        }
        Err(TryLockError::Error(error)) => Err(failure(directory, error)),
    }
}

/// Makes generation 1 in a directory that holds nothing else than the lock and its own remains.
fn make_first(directory: &Path, dimensions: usize) -> Result<u64> {
    let failed = |error| failure(directory, error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !matches!(name.to_str(), Some("lock" | "log-1" | "rows-1" | "current.new")) {
            let why = format!("it holds {} and no `current`", name.display());
            return Err(rebuild(directory, &why));
        }
    }
    let make = || -> io::Result<()> {
        File::create(file(directory, "rows", 1))?.sync_all()?;
        let mut log = Log::create(&file(directory, "log", 1), dimensions as u32)?;
        log.append(&Record::Commit { sequence: 0, rows: 0 })?;
        log.sync()?;
        write_current(directory, 1)
    };
    make().map_err(failed)?;
    Ok(1)
}

/// Makes a generation the one that counts, at once or not at all.
fn write_current(directory: &Path, generation: u64) -> io::Result<()> {
    let temporary = directory.join("current.new");
    let mut file = File::create(&temporary)?;
    writeln!(file, "{generation}")?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join("current"))?;
    sync_directory(directory)
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes files of generations that do not count; one that stays is in nobody's way.
fn remove_others(directory: &Path, generation: u64) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some((kind, number)) = name.to_str().and_then(|name| name.split_once('-')) else { continue };
        if matches!(kind, "log" | "rows" | "codes") && number != generation.to_string() {
            let removed = fs::remove_file(entry.path());
            removed.unwrap_or_else(|error| tracing::warn!(%error, "an old file of a vector index stays"));
        }
    }
}

fn rebuild(directory: &Path, why: &str) -> Error {
    let place = directory.display();
    let message = format!(
        "The vector index in {place} cannot be used: {why}. Remove the directory: it is rebuilt from the store."
    );
    Error::new(ErrorCode::InvalidConfig, message)
}

fn failure(directory: &Path, error: io::Error) -> Error {
    Error::io(format!("The vector index in {} failed", directory.display()), error)
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
