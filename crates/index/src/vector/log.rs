//! The log of a vector index: which document took which rows, and what is committed.
//!
//! It does not know vectors. Each record is its length, the CRC-32 of its body, and the body. What
//! follows the last commit that is whole was never acknowledged, and is cut off when the log is opened.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    /// The log's first: vectors of this length.
    Open { dimensions: u32 },
    /// A document now holds these chunks, in the rows from `first` on, and none that it held before.
    Put { document: u64, first: u64, chunks: Vec<u64> },
    /// Everything before is durable, up to this position of the outbox, in this many rows.
    Commit { sequence: u64, rows: u64 },
}

const VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"yizhanvl";
/// A length beyond this is damage: no document has a hundred million chunks.
const LONGEST: usize = 1 << 30;

impl Record {
    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut number = |value: u64| body.extend_from_slice(&value.to_le_bytes());
        match self {
            Record::Open { dimensions } => {
                number(u64::from_le_bytes(*MAGIC));
                number(u64::from(VERSION) << 32 | u64::from(*dimensions));
                body.insert(0, b'O');
            }
            Record::Put { document, first, chunks } => {
                number(*document);
                number(*first);
                chunks.iter().for_each(|chunk| number(*chunk));
                body.insert(0, b'P');
            }
            Record::Commit { sequence, rows } => {
                number(*sequence);
                number(*rows);
                body.insert(0, b'C');
            }
        }
        let mut framed = Vec::with_capacity(body.len() + 8);
        framed.extend_from_slice(&(body.len() as u32).to_le_bytes());
        framed.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        framed.extend_from_slice(&body);
        framed
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let (kind, rest) = body.split_first()?;
        let (words, tail) = rest.as_chunks::<8>();
        if !tail.is_empty() {
            return None;
        }
        let numbers: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        match (kind, numbers.as_slice()) {
            (b'O', [magic, form]) if magic.to_le_bytes() == *MAGIC && form >> 32 == u64::from(VERSION) => {
                Some(Record::Open { dimensions: *form as u32 })
            }
            (b'P', [document, first, chunks @ ..]) => {
                Some(Record::Put { document: *document, first: *first, chunks: chunks.to_vec() })
            }
            (b'C', [sequence, rows]) => Some(Record::Commit { sequence: *sequence, rows: *rows }),
            _ => None,
        }
    }
}

/// The log's file, open for appending.
pub(crate) struct Log {
    file: File,
    length: u64,
}

impl Log {
    /// Makes a log with its first record and a commit, and syncs it.
    pub(crate) fn create(path: &Path, dimensions: u32) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        let mut log = Self { file, length: 0 };
        log.append(&Record::Open { dimensions })?;
        Ok(log)
    }

    /// Opens a log and returns its committed records; what follows them is cut off. No records
    /// when not even the first is whole.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<Record>)> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (records, length) = committed(&bytes);
        file.set_len(length)?;
        Ok((Self { file, length }, records))
    }

    /// Appends a record; not durable before [`Log::sync`]. After an error nothing was appended.
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<()> {
        let framed = record.encode();
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(&framed)?;
        self.length += framed.len() as u64;
        Ok(())
    }

    /// Makes what was appended durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

/// Records up to the last whole commit, and where that ends.
fn committed(bytes: &[u8]) -> (Vec<Record>, u64) {
    let mut records = Vec::new();
    let (mut position, mut kept, mut end) = (0, 0, 0);
    while let Some((record, length)) = next(&bytes[position..]) {
        position += length;
        let commits = matches!(record, Record::Commit { .. });
        records.push(record);
        if commits {
            (kept, end) = (records.len(), position);
        }
    }
    records.truncate(kept);
    (records, end as u64)
}

fn next(bytes: &[u8]) -> Option<(Record, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let body = rest.get(..length).filter(|_| length <= LONGEST)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    Some((Record::decode(body)?, length + 8))
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
