//! Reading records back, in order, while the log may be growing.
//!
//! It does not look behind the head: what was not acknowledged is not shown.

use crate::chain::End;
use crate::hash::Hash;
use crate::key::Key;
use crate::marks::{self, Head};
use crate::record::Record;
use crate::segment::{self, Header, Lines, Next};
use crate::walk::{Found, next_line};
use serde::Serialize;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};
use yizhan_domain::{Error, ErrorCode, Result};

/// A record with its place in the chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stored {
    /// Its number; the first is 1.
    pub sequence: u64,
    /// Its hash.
    pub hash: Hash,
    /// What was written. Its payload is there when it was asked for and still is.
    pub record: Record,
}

/// Records from a number on. [`Entries::next`] gives none at the end, and goes on when there are more:
/// call it again later to follow a log that is being written.
pub struct Entries {
    folder: PathBuf,
    key: Key,
    from: u64,
    payloads: bool,
    head: Head,
    end: End,
    lines: Option<Lines>,
    line: u64,
}

impl Entries {
    /// Opens the log in `folder` at record `from` (1 and 0 are the beginning; what policy deleted is
    /// passed over). Each line's seal is checked, each segment's link to the one before too.
    ///
    /// `Io` when the log cannot be read or was tampered with up to there.
    pub fn open(folder: &Path, key: &Key, from: u64) -> Result<Self> {
        let at = |cause| unreadable(folder, cause);
        let Some(head) = marks::read_head(folder, key).map_err(at)? else {
            let cause = "There is no head.json. Run `yizhan audit verify`.";
            return Err(Error::new(ErrorCode::NotFound, format!("No audit log in {}: {cause}", folder.display())));
        };
        let first = marks::read_pruned(folder, key).map_err(at)?.map_or(1, |pruned| pruned.segment);
        let mut number = first;
        for segment in segment::list(folder, ".jsonl").map_err(at)?.into_iter().rev().filter(|one| *one >= first) {
            number = segment;
            if segment::header(folder, segment, key).map_err(at)?.is_some_and(|header| header.first <= from.max(1)) {
                break;
            }
        }
        let end = End { segment: number, length: 0, seq: 0, hash: key.genesis(), day: 0, begun: false };
        let (folder, key) = (folder.to_owned(), key.clone());
        Ok(Self { folder, key, from, payloads: false, head, end, lines: None, line: 0 })
    }

    /// The last `count` records.
    pub fn tail(folder: &Path, key: &Key, count: u64) -> Result<Self> {
        let last = Self::open(folder, key, u64::MAX)?.head.seq;
        Self::open(folder, key, (last + 1).saturating_sub(count))
    }

    /// Reads payloads too.
    pub fn with_payloads(mut self) -> Self {
        self.payloads = true;
        self
    }

    /// Passes over segments that were finished before this time (milliseconds since 1970).
    pub fn since(mut self, from_ms: i64) -> Result<Self> {
        loop {
            let next = self.end.segment + 1;
            match segment::header(&self.folder, next, &self.key) {
                // All its records were written before the next segment began.
                Ok(Some(header)) if header.time_ms < from_ms => self.end.segment = next,
                Ok(_) => return Ok(self),
                Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(self),
                Err(cause) => return Err(unreadable(&self.folder, cause)),
            }
        }
    }

    /// The next record; none when there is no further one yet.
    ///
    /// `Io` when a line is not what was written. It stays there.
    #[expect(clippy::should_implement_trait, reason = "an iterator that ended would not go on")]
    pub fn next(&mut self) -> Result<Option<Stored>> {
        self.advance().map_err(|cause| {
            let (segment, line) = (self.end.segment, self.line + 1);
            unreadable(&self.folder, cause).context(format!("Segment {segment}, line {line}"))
        })
    }

    fn advance(&mut self) -> std::io::Result<Option<Stored>> {
        loop {
            if self.line == 0 && !self.begin()? {
                return Ok(None);
            }
            if (self.end.segment, self.end.seq) >= (self.head.segment, self.head.seq) && !self.look_further()? {
                return Ok(None);
            }
            let lines = self.lines.as_mut().ok_or_else(changed)?;
            match lines.next()? {
                Next::Line(text) => {
                    let (body, hash) = next_line(text, &self.key, &self.end)
                        .map_err(|why| IoError::new(ErrorKind::InvalidData, why))?;
                    let found = Found::new(self.end.seq + 1, hash, body);
                    let wanted = found.sequence >= self.from;
                    let stored = wanted.then(|| stored(&found)).transpose()?;
                    let place = found.split().1.filter(|_| wanted && self.payloads);
                    self.line += 1;
                    (self.end.seq, self.end.hash) = (self.end.seq + 1, hash);
                    let Some(mut stored) = stored else { continue };
                    if let Some(place) = place {
                        stored.record.payload = match place.read(&self.folder, self.end.segment, &self.key) {
                            Ok(text) => Some(serde_json::from_slice(&text)?),
                            Err(cause) if cause.kind() == ErrorKind::NotFound => None,
                            Err(cause) => return Err(cause),
                        };
                    }
                    return Ok(Some(stored));
                }
                Next::End if self.end.segment < self.head.segment => {
                    self.end.segment += 1;
                    self.line = 0;
                }
                Next::End | Next::Rest => return Err(changed()),
            }
        }
    }

    /// Reads the first line of the current segment.
    fn begin(&mut self) -> std::io::Result<bool> {
        if self.end.segment > self.head.segment {
            return Ok(false);
        }
        let first = self.lines.is_none();
        let mut lines = Lines::open(&segment::path(&self.folder, self.end.segment), 0)?;
        let Next::Line(text) = lines.next()? else { return Err(changed()) };
        let (header, hash) = Header::read(text, &self.key.link).ok_or_else(changed)?;
        if !first && (header.previous, header.first) != (self.end.hash, self.end.seq + 1) {
            return Err(changed());
        }
        (self.end.hash, self.end.seq, self.line) = (hash, header.first - 1, 1);
        self.lines = Some(lines);
        Ok(true)
    }

    /// Has the log grown? The reader stands at the end of what it knew of.
    fn look_further(&mut self) -> std::io::Result<bool> {
        match marks::read_head(&self.folder, &self.key) {
            Ok(Some(head)) => {
                let grown = (head.segment, head.seq) > (self.head.segment, self.head.seq);
                self.head = head;
                if grown && let Some(at) = self.lines.as_ref().map(|lines| lines.at) {
                    // Afresh: what was read ahead may have been half a line.
                    self.lines = Some(Lines::open(&segment::path(&self.folder, self.end.segment), at)?);
                }
                Ok(grown)
            }
            Ok(None) => Err(changed()),
            // The head may be read while it is being written.
            Err(cause) if cause.kind() == ErrorKind::InvalidData => Ok(false),
            Err(cause) => Err(cause),
        }
    }
}

fn stored(found: &Found<'_>) -> std::io::Result<Stored> {
    Ok(Stored { sequence: found.sequence, hash: found.hash, record: serde_json::from_slice(found.split().0)? })
}

fn changed() -> IoError {
    IoError::new(ErrorKind::InvalidData, "the log is not what was written")
}

fn unreadable(folder: &Path, cause: IoError) -> Error {
    let advice = match cause.kind() {
        ErrorKind::InvalidData => " Run `yizhan audit verify`.",
        _ => "",
    };
    Error::new(ErrorCode::Io, format!("Reading the audit log in {}: {cause}.{advice}", folder.display()))
}
