//! What one generation of a vector index holds, how it changes, and how it is searched.
//!
//! It does not know locks or threads; [`super::index`] does.

use super::best::Best;
use super::codes::Codes;
use super::codes_file;
use super::directory::{failure, file, rebuild};
use super::kernel::dot;
use super::log::{Log, Record};
use super::rows::Rows;
use super::scan::Candidates;
use crate::memory::is_usable;
use crate::{Change, DocumentSet, Hit};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::slice::from_ref;
use yizhan_domain::{ChunkId, DocumentId, Result};

/// Rows from which codes are kept.
const FEWEST_CODED: usize = 4_096;
/// Rows up to which comparing all of them exactly is as fast as a first pass.
const EXACT: usize = 2_048;
/// A row is compared exactly while its estimate and so many standard deviations could still reach
/// the best: about one in five hundred of the true best lies beyond.
const DEVIATIONS: f32 = 2.6;
/// Codes are made anew, around a new centre, when there are so many times the rows.
const GROWTH: usize = 4;

pub(crate) struct State {
    pub(crate) generation: u64,
    pub(crate) log: Log,
    pub(crate) rows: Rows,
    pub(crate) codes: Option<Codes>,
    /// Rows whose codes are in the file.
    saved: usize,
    /// Chunk, document, and whether it still counts, for each row.
    chunks: Vec<u64>,
    owners: Vec<u64>,
    alive: Vec<bool>,
    /// Each document's rows.
    documents: HashMap<u64, Range<usize>>,
    pub(crate) live: usize,
    /// The last position applied.
    pub(crate) seen: u64,
}

impl State {
    pub(crate) fn open(directory: &Path, generation: u64, dimensions: usize) -> Result<Self> {
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
        state.load_codes(directory, dimensions).map_err(failed)?;
        Ok(state)
    }

    fn of(generation: u64, log: Log, rows: Rows) -> Self {
        let count = rows.len();
        let (chunks, owners, alive) = (vec![0; count], vec![0; count], vec![false; count]);
        let documents = HashMap::new();
        Self { generation, log, rows, codes: None, saved: 0, chunks, owners, alive, documents, live: 0, seen: 0 }
    }

    /// Takes codes from their file, and encodes what is missing there.
    fn load_codes(&mut self, directory: &Path, dimensions: usize) -> io::Result<()> {
        let path = file(directory, "codes", self.generation);
        let Some(mut codes) = codes_file::load(&path, dimensions, self.rows.len())? else {
            self.codes = self.needs_codes().then(|| self.encode_all(dimensions));
            return Ok(());
        };
        self.saved = codes.len();
        (codes.len()..self.rows.len()).for_each(|row| codes.push(self.rows.row(row)));
        self.codes = Some(codes);
        Ok(())
    }

    /// Too few rows when the centre was taken, or none taken yet.
    pub(crate) fn needs_codes(&self) -> bool {
        let rows = self.rows.len();
        rows >= FEWEST_CODED && self.codes.as_ref().is_none_or(|codes| rows / GROWTH >= codes.trained())
    }

    /// Codes of all rows around a new centre: some microseconds a row.
    pub(crate) fn encode_all(&self, dimensions: usize) -> Codes {
        let mut codes = Codes::train(dimensions, self.rows.len(), |row| self.rows.row(row));
        (0..self.rows.len()).for_each(|row| codes.push(self.rows.row(row)));
        codes
    }

    /// Puts codes made by [`State::encode_all`] in place.
    pub(crate) fn set_codes(&mut self, codes: Codes) {
        self.codes = Some(codes);
        self.saved = 0;
    }

    /// Appends a change's rows and logs it.
    pub(crate) fn put(&mut self, change: &Change) -> io::Result<()> {
        let usable = || change.entries.iter().filter(|entry| is_usable(&entry.vector));
        let chunks: Vec<u64> = usable().map(|entry| entry.chunk.0).collect();
        let (document, first) = (change.document.0, self.rows.len());
        if !chunks.is_empty() || self.documents.contains_key(&document) {
            self.rows.append(usable().map(|entry| entry.vector.as_slice()))?;
            let record = Record::Put { document, first: first as u64, chunks: chunks.clone() };
            self.log.append(&record).inspect_err(|_| self.rows.truncate(first))?;
            self.remember(document, first, &chunks);
            if let Some(codes) = &mut self.codes {
                usable().for_each(|entry| codes.push(&entry.vector));
            }
        }
        self.seen = self.seen.max(change.sequence.0);
        Ok(())
    }

    fn remember(&mut self, document: u64, first: usize, chunks: &[u64]) {
        if let Some(old) = self.documents.remove(&document) {
            self.live -= old.len();
            self.alive[old].fill(false);
        }
        let rows = first..first + chunks.len();
        if self.chunks.len() < rows.end {
            self.chunks.resize(rows.end, 0);
            self.owners.resize(rows.end, 0);
            self.alive.resize(rows.end, false);
        }
        self.chunks[rows.clone()].copy_from_slice(chunks);
        self.owners[rows.clone()].fill(document);
        self.alive[rows.clone()].fill(true);
        if !chunks.is_empty() {
            self.documents.insert(document, rows);
            self.live += chunks.len();
        }
    }

    /// Makes codes and rows durable, which [`State::commit`] then counts. Searches go on meanwhile.
    pub(crate) fn persist(&self, directory: &Path) -> io::Result<()> {
        if let Some(codes) = &self.codes {
            let path = file(directory, "codes", self.generation);
            match self.saved {
                0 => codes_file::replace(&path, codes)?,
                saved => codes_file::save(&path, codes, saved)?,
            }
        }
        self.rows.sync()
    }

    /// Writes the record that makes what was persisted count.
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        self.saved = self.codes.as_ref().map_or(0, Codes::len);
        self.log.append(&Record::Commit { sequence: self.seen, rows: self.rows.len() as u64 })?;
        self.log.sync()
    }

    /// The next generation: the same without what is dead.
    pub(crate) fn rewrite(&self, directory: &Path, dimensions: usize) -> io::Result<Self> {
        let generation = self.generation + 1;
        let path = file(directory, "rows", generation);
        // Empties what a compaction that did not finish has left.
        File::create(&path)?;
        let log = Log::create(&file(directory, "log", generation), dimensions as u32)?;
        let mut next = Self::of(generation, log, Rows::open(&path, dimensions, 0)?);
        let mut documents: Vec<(&u64, &Range<usize>)> = self.documents.iter().collect();
        documents.sort_unstable_by_key(|(_, range)| range.start);
        for (document, range) in documents {
            let first = next.rows.len();
            next.rows.append(range.clone().map(|row| self.rows.row(row)))?;
            let chunks = self.chunks[range.clone()].to_vec();
            next.remember(*document, first, &chunks);
            next.log.append(&Record::Put { document: *document, first: first as u64, chunks })?;
        }
        if next.needs_codes() {
            next.set_codes(next.encode_all(dimensions));
        }
        next.seen = self.seen;
        next.persist(directory)?;
        next.commit()?;
        Ok(next)
    }

    /// The best rows, by estimates where there are many and then exactly.
    pub(crate) fn search(&self, query: &[f32], top: usize, within: Option<&DocumentSet>) -> Vec<Hit> {
        if top == 0 || self.live == 0 {
            return Vec::new();
        }
        let all = 0..self.rows.len();
        match within {
            // Few documents: their rows alone are visited.
            Some(set) if set.as_slice().len() < self.documents.len() / 4 => {
                let ranges = self.ranges(set);
                let count = ranges.iter().map(|range| range.len()).sum();
                self.search_rows(query, top, &ranges, count, |_| true)
            }
            Some(set) => self.search_rows(query, top, from_ref(&all), self.live, |row| {
                self.alive[row] && set.contains(DocumentId(self.owners[row]))
            }),
            None => self.search_rows(query, top, from_ref(&all), self.live, |row| self.alive[row]),
        }
    }

    fn ranges(&self, set: &DocumentSet) -> Vec<Range<usize>> {
        let rows = |document: &DocumentId| self.documents.get(&document.0).cloned();
        let mut ranges: Vec<Range<usize>> = set.as_slice().iter().filter_map(rows).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges
    }

    /// `count` is about how many rows of the ranges count.
    fn search_rows(
        &self,
        query: &[f32],
        top: usize,
        ranges: &[Range<usize>],
        count: usize,
        counts: impl Fn(usize) -> bool,
    ) -> Vec<Hit> {
        let most = top.saturating_mul(16).saturating_add(EXACT + count / 128);
        let pointless = count <= most || query.iter().all(|value| *value == 0.0);
        let Some(codes) = self.codes.as_ref().filter(|_| !pointless) else {
            return self.compare(query, top, ranges, counts);
        };
        let prepared = codes.query(query);
        let mut candidates = Candidates::new(most);
        ranges.iter().for_each(|range| candidates.scan(codes, &prepared, range.clone(), &counts));
        let margin = DEVIATIONS * prepared.deviation;
        let mut best = Best::new(top);
        for (estimate, row) in candidates.into_best_first() {
            if estimate + margin < best.bar() {
                break;
            }
            best.offer(self.hit(query, row));
        }
        best.into_hits()
    }

    /// Compares the query with every row that counts.
    fn compare(&self, query: &[f32], top: usize, ranges: &[Range<usize>], counts: impl Fn(usize) -> bool) -> Vec<Hit> {
        let mut best = Best::new(top);
        let rows = ranges.iter().cloned().flatten().filter(|row| counts(*row));
        rows.for_each(|row| best.offer(self.hit(query, row)));
        best.into_hits()
    }

    /// The best rows by comparing every one.
    pub(crate) fn search_exactly(&self, query: &[f32], top: usize, within: Option<&DocumentSet>) -> Vec<Hit> {
        if top == 0 {
            return Vec::new();
        }
        self.compare(query, top, from_ref(&(0..self.rows.len())), |row| {
            self.alive[row] && within.is_none_or(|set| set.contains(DocumentId(self.owners[row])))
        })
    }

    fn hit(&self, query: &[f32], row: usize) -> Hit {
        let score = dot(query, self.rows.row(row));
        Hit { chunk: ChunkId(self.chunks[row]), document: DocumentId(self.owners[row]), score }
    }
}
