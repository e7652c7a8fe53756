//! The end of the chain: appends groups of records, rotates segments, and gets back to a known state
//! after the disk failed.
//!
//! It does not know threads or who waits.

use crate::hash::{Checkpoint, Hash};
use crate::key::Key;
use crate::line;
use crate::marks::{Head, HeadFile, private, sync_folder};
use crate::payload::PayloadFile;
use crate::segment::{self, Header};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;
/// How many zeros are written ahead of the records at a time. Over them, a sync need not write down that the file
/// has grown: half the time and half the processor time (measured on ext4).
const ROOM: u64 = 256 << 10;

/// How the chain reaches disk and clock; tests put their own in.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings {
    pub sync: fn(&File) -> Result<()>,
    pub now_ms: fn() -> i64,
    /// How long a group waits for more, by how long the one before took.
    pub gather: fn(Duration) -> Duration,
}

/// A record ready to be written.
#[derive(Default)]
pub(crate) struct Entry {
    /// Its JSON.
    pub json: Vec<u8>,
    /// Its payload's JSON.
    pub payload: Option<Vec<u8>>,
}

/// Where the durable part of the chain ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub segment: u64,
    /// Bytes of the segment.
    pub length: u64,
    /// The last record's number.
    pub seq: u64,
    /// The last line's hash.
    pub hash: Hash,
    /// The day that the segment was begun on.
    pub day: i64,
    /// Has the segment any record?
    pub begun: bool,
}

pub(crate) struct Chain {
    pub folder: PathBuf,
    pub key: Key,
    pub end: End,
    pub surroundings: Surroundings,
    segment_bytes: u64,
    file: File,
    head: HeadFile,
    head_synced: bool,
    payloads: PayloadFile,
    /// Up to where the segment's file has room, in bytes from its beginning.
    room: u64,
    /// The last write failed: what the file holds behind `end` is unknown.
    suspect: bool,
    text: Vec<u8>,
}

impl Chain {
    /// Goes on where the durable part ends, cutting off what lies behind.
    pub(crate) fn resume(
        folder: PathBuf,
        key: Key,
        end: End,
        segment_bytes: u64,
        surroundings: Surroundings,
    ) -> Result<Self> {
        let file = OpenOptions::new().write(true).open(segment::path(&folder, end.segment))?;
        let head = HeadFile::open(&folder)?;
        let payloads = PayloadFile::new(&folder, end.segment);
        let (text, head_synced) = (Vec::new(), true);
        let mut chain = Self {
            folder,
            key,
            end,
            surroundings,
            segment_bytes,
            file,
            head,
            head_synced,
            payloads,
            room: end.length,
            suspect: true,
            text,
        };
        chain.settle()?;
        chain.head.sync()?;
        Ok(chain)
    }

    /// Makes file and head what `end` says. After a failed sync nobody knows what the disk holds, so
    /// that what was not acknowledged is cut off rather than trusted.
    fn settle(&mut self) -> Result<()> {
        if !self.suspect {
            return Ok(());
        }
        self.file = OpenOptions::new().write(true).open(segment::path(&self.folder, self.end.segment))?;
        self.give_back_room()?;
        (self.surroundings.sync)(&self.file)?;
        // A next segment that was begun and not taken would follow another line than the last.
        match std::fs::remove_file(segment::path(&self.folder, self.end.segment + 1)) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        self.payloads.forget();
        self.write_head(self.end)?;
        self.suspect = false;
        Ok(())
    }

    /// Appends the entries. When this returns they are on the disk, and the places tell where.
    pub(crate) fn append(&mut self, entries: &[Entry], places: &mut Vec<Checkpoint>) -> Result<()> {
        places.clear();
        self.settle()?;
        let outcome = self.write(entries, places);
        self.suspect = outcome.is_err();
        outcome
    }

    fn write(&mut self, entries: &[Entry], places: &mut Vec<Checkpoint>) -> Result<()> {
        let today = (self.surroundings.now_ms)().div_euclid(DAY_MS);
        let full = self.end.length >= self.segment_bytes || self.end.day != today;
        if full && self.end.begun {
            self.rotate(None)?;
        }
        let mut end = End { begun: true, ..self.end };
        self.text.clear();
        for entry in entries {
            end.seq += 1;
            let start = self.text.len();
            write!(self.text, "{{\"seq\":{},\"record\":", end.seq)?;
            self.text.extend_from_slice(&entry.json);
            if let Some(payload) = &entry.payload {
                let place = self.payloads.write(payload, &self.key.payload)?;
                self.text.extend_from_slice(b",\"payload\":");
                serde_json::to_writer(&mut self.text, &place)?;
            }
            end.hash = line::seal(&mut self.text, start, &self.key.link, &end.hash);
            places.push(Checkpoint { sequence: end.seq, hash: end.hash });
        }
        // Payloads first: a record never points to what is not there.
        self.payloads.sync(self.surroundings.sync)?;
        end.length += self.text.len() as u64;
        self.commit(end)
    }

    fn commit(&mut self, end: End) -> Result<()> {
        self.file.write_all_at(&self.text, self.end.length)?;
        self.make_room(end.length);
        (self.surroundings.sync)(&self.file)?;
        // After the records, so that it never says more than there is.
        self.write_head(end)?;
        self.end = end;
        Ok(())
    }

    /// Writes zeros behind what has been written, unless there are some. Without them it goes on too.
    fn make_room(&mut self, written: u64) {
        if written <= self.room {
            return;
        }
        let zeros = vec![0; ROOM.min(self.segment_bytes.saturating_sub(written)) as usize];
        let made = self.file.write_all_at(&zeros, written);
        self.room = if made.is_ok() { written + zeros.len() as u64 } else { written };
    }

    /// Ends the file where the records end.
    pub(crate) fn give_back_room(&mut self) -> Result<()> {
        self.room = self.end.length;
        self.file.set_len(self.end.length)
    }

    /// Begins the next segment.
    pub(crate) fn rotate(&mut self, damage: Option<String>) -> Result<()> {
        let time_ms = (self.surroundings.now_ms)();
        let next = begin(
            &self.folder,
            &self.key,
            Header { segment: self.end.segment + 1, first: self.end.seq + 1, previous: self.end.hash, time_ms, damage },
        )?;
        self.head.sync()?;
        self.give_back_room()?;
        self.file = OpenOptions::new().write(true).open(segment::path(&self.folder, next.segment))?;
        self.payloads = PayloadFile::new(&self.folder, next.segment);
        self.write_head(next)?;
        (self.end, self.room) = (next, next.length);
        Ok(())
    }

    fn write_head(&mut self, end: End) -> Result<()> {
        self.head_synced = false;
        self.head.write(&Head { segment: end.segment, seq: end.seq, link: end.hash }, &self.key)
    }

    /// Makes the head durable against the loss of power. It is safe from `kill -9` without.
    pub(crate) fn sync_head(&mut self) -> Result<()> {
        if !self.head_synced {
            self.head.sync()?;
            self.head_synced = true;
        }
        Ok(())
    }

    /// Leaves the files as they are best kept.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.give_back_room()?;
        self.sync_head()
    }

    pub(crate) fn head_synced(&self) -> bool {
        self.head_synced
    }
}

/// Makes a segment with its first line; it is on the disk when this returns.
pub(crate) fn begin(folder: &std::path::Path, key: &Key, header: Header) -> Result<End> {
    let mut text = Vec::new();
    let hash = header.write(&mut text, &key.link)?;
    let mut options = OpenOptions::new();
    // What an interrupted attempt left is written over.
    let path = segment::path(folder, header.segment);
    let mut file = private(&mut options).write(true).create(true).truncate(true).open(path)?;
    file.write_all(&text)?;
    file.sync_all()?;
    sync_folder(folder)?;
    let day = header.time_ms.div_euclid(DAY_MS);
    Ok(End { segment: header.segment, length: text.len() as u64, seq: header.first - 1, hash, day, begun: false })
}

/// The day that a time lies in.
pub(crate) fn day(time_ms: i64) -> i64 {
    time_ms.div_euclid(DAY_MS)
}
