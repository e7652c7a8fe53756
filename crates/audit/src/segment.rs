//! The segment files: their names, their first line, and reading them line by line.
//!
//! Behind its last line a segment may have room: zeros that the next records are written over.
//!
//! It does not judge what it reads: `verify` and `recover` do.

use crate::hash::Hash;
use crate::key::{Key, Mac};
use crate::line;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Result, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Longest line that is read; longer ones are damage.
pub(crate) const LONGEST_LINE: usize = 2 << 20;

/// The first line of a segment: it says what it follows, so that a segment can be checked alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// This segment's number, as in its name.
    pub segment: u64,
    /// The number that its first record has or will have.
    pub first: u64,
    /// The hash of the line before.
    pub previous: Hash,
    /// When it was begun, milliseconds since 1970.
    pub time_ms: i64,
    /// What was found wrong when the operator had the log continued nevertheless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

impl Header {
    /// Appends the sealed line and returns its hash.
    pub(crate) fn write(&self, text: &mut Vec<u8>, link: &Mac) -> Result<Hash> {
        let start = text.len();
        serde_json::to_writer(&mut *text, self)?;
        text.pop();
        Ok(line::seal(text, start, link, &self.previous))
    }

    /// Reads a line that was sealed by our key, whatever it follows.
    pub(crate) fn read(text: &[u8], link: &Mac) -> Option<(Self, Hash)> {
        let (body, _) = line::split(text)?;
        let header: Self = serde_json::from_slice(&[body, b"}"].concat()).ok()?;
        let (_, hash) = line::open(text, link, &header.previous)?;
        Some((header, hash))
    }
}

/// The file of a segment.
pub(crate) fn path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:08}.jsonl"))
}

/// The file of a segment's payloads.
pub(crate) fn payload_path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:08}.payload"))
}

/// Numbers of the files with this ending, in order.
pub(crate) fn list(folder: &Path, ending: &str) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(ending));
        let number = stem.and_then(|stem| stem.parse::<u64>().ok());
        // One spelling for one number.
        numbers.extend(number.filter(|number| stem == Some(format!("{number:08}").as_str())));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The first line of a segment, when it is sealed by our key.
pub(crate) fn header(folder: &Path, segment: u64, key: &Key) -> Result<Option<Header>> {
    let mut lines = Lines::open(&path(folder, segment), 0)?;
    Ok(match lines.next()? {
        Next::Line(line) => Header::read(line, &key.link).map(|(header, _)| header),
        Next::Rest | Next::End => None,
    })
}

/// What comes next in a file.
pub(crate) enum Next<'a> {
    /// A line without its end.
    Line(&'a [u8]),
    /// Bytes that no line's end follows, or too many before it.
    Rest,
    /// Nothing.
    End,
}

/// Reads a file line by line, never holding more than one line.
pub(crate) struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
    /// Where the next line begins.
    pub at: u64,
}

impl Lines {
    pub(crate) fn open(path: &Path, at: u64) -> Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(at))?;
        Ok(Self { reader: BufReader::with_capacity(256 << 10, file), line: Vec::new(), at })
    }

    pub(crate) fn next(&mut self) -> Result<Next<'_>> {
        self.line.clear();
        if self.reader.fill_buf()?.first() == Some(&0) {
            if used(self.reader.get_ref(), self.at)? == self.at {
                return Ok(Next::End);
            }
            // A record has been written here since it was read.
            self.reader.seek(SeekFrom::Start(self.at))?;
        }
        let read = self.reader.by_ref().take(LONGEST_LINE as u64).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(Next::End);
        }
        if self.line.pop() != Some(b'\n') {
            return Ok(Next::Rest);
        }
        self.at += read as u64;
        Ok(Next::Line(&self.line))
    }
}

/// The file's length without the zeros at its end, and not less than `from`.
pub(crate) fn used(file: &File, from: u64) -> Result<u64> {
    const STEP: u64 = 64 << 10;
    let mut length = file.metadata()?.len();
    let mut piece = Vec::new();
    while length > from {
        let begin = length.saturating_sub(STEP).max(from);
        piece.resize((length - begin) as usize, 0);
        file.read_exact_at(&mut piece, begin)?;
        match piece.iter().rposition(|byte| *byte != 0) {
            Some(last) => return Ok(begin + last as u64 + 1),
            None => length = begin,
        }
    }
    Ok(length.max(from))
}

/// Is what follows `at`, before the room, only what a write leaves that was interrupted: no line's end, or the
/// zeros of a block that never reached the disk? JSON has no zero bytes.
pub(crate) fn is_torn(path: &Path, at: u64) -> Result<bool> {
    let mut file = File::open(path)?;
    let used = used(&file, at)?;
    file.seek(SeekFrom::Start(at))?;
    let mut reader = BufReader::new(file.take(used - at));
    let mut ended = false;
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(!ended);
        }
        if bytes.contains(&0) {
            return Ok(true);
        }
        ended |= bytes.contains(&b'\n');
        let read = bytes.len();
        reader.consume(read);
    }
}
