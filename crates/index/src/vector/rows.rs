//! f32 rows in a file that is mapped for reading and written at its end.
//!
//! It does not know which rows are alive. The file grows in steps ahead of the rows, so that the
//! mapping is made anew rarely; how many rows count is the log's business.

use memmap2::{Mmap, MmapOptions};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// The file grows by at least this much, bytes.
const STEP: u64 = 1 << 20;

pub(crate) struct Rows {
    file: File,
    map: Option<Mmap>,
    dimensions: usize,
    rows: usize,
}

impl Rows {
    /// Opens or makes the file, of which `rows` count. `UnexpectedEof` when it holds fewer.
    pub(crate) fn open(path: &Path, dimensions: usize, rows: usize) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut opened = Self { file, map: None, dimensions, rows };
        if opened.file.metadata()?.len() < opened.bytes(rows) {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file of vectors is too short"));
        }
        opened.remap()?;
        Ok(opened)
    }

    fn bytes(&self, rows: usize) -> u64 {
        (rows * self.dimensions * size_of::<f32>()) as u64
    }

    fn remap(&mut self) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        if length == 0 {
            self.map = None;
            return Ok(());
        }
        // SAFETY: the file is in the index's own directory, whose lock this process holds, and is
        // only ever made longer while mapped.
        let map = unsafe { MmapOptions::new().map(&self.file)? };
        #[cfg(unix)]
        map.advise(memmap2::Advice::Random)?;
        self.map = Some(map);
        Ok(())
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Forgets the rows from `rows` on, after an append that could not be logged.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.rows = self.rows.min(rows);
    }

    /// Appends rows one after the other. After an error nothing was appended.
    pub(crate) fn append<'a>(&mut self, rows: impl Iterator<Item = &'a [f32]>) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut count = 0;
        for row in rows {
            debug_assert_eq!(row.len(), self.dimensions);
            bytes.extend(row.iter().flat_map(|value| value.to_ne_bytes()));
            count += 1;
        }
        if count == 0 {
            return Ok(());
        }
        let (start, end) = (self.bytes(self.rows), self.bytes(self.rows + count));
        self.file.seek(SeekFrom::Start(start))?;
        self.file.write_all(&bytes)?;
        let mapped = self.map.as_ref().map_or(0, |map| map.len() as u64);
        if end > mapped {
            self.file.set_len(end + (end / 4).max(STEP))?;
            self.remap()?;
        }
        self.rows += count;
        Ok(())
    }

    /// A row; an empty one when there is no such row.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        let start = row * self.dimensions;
        self.all().get(start..start + self.dimensions).unwrap_or(&[])
    }

    /// All rows in one slice.
    pub(crate) fn all(&self) -> &[f32] {
        let Some(map) = &self.map else { return &[] };
        let values = (self.rows * self.dimensions).min(map.len() / size_of::<f32>());
        // SAFETY: a mapping starts at a page, so it is aligned; the length is within it; any bits
        // are an f32; rows that count are never written again while they are mapped.
        unsafe { std::slice::from_raw_parts(map.as_ptr().cast::<f32>(), values) }
    }

    /// Makes what was appended durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
