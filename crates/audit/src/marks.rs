//! The two small sealed files beside the segments: how far the log goes, and what policy deleted.
//!
//! They do not know who deletes or appends.

use crate::hash::Hash;
use crate::key::{Key, Mac};
use crate::line;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Error as IoError, ErrorKind, Result, Write};
use std::path::Path;

pub(crate) const HEAD: &str = "head.json";
pub(crate) const PRUNED: &str = "pruned.json";
/// Less than a sector, so that no crash leaves half of it.
const HEAD_BYTES: usize = 256;
const NOTHING: Hash = Hash([0; 32]);

/// The last line that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// The segment that it is in.
    pub segment: u64,
    /// The last record's number; 0 before the first.
    pub seq: u64,
    /// The last line's hash, be it a record or a segment's first line.
    pub link: Hash,
}

/// What policy deleted: segments before one, and payloads before one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pruned {
    /// The first segment that is still there.
    pub segment: u64,
    /// The last record that was deleted; 0 for none.
    pub through: u64,
    /// The hash of the last line that was deleted.
    pub previous: Hash,
    /// Payloads of segments before this one were deleted.
    pub payloads: u64,
    /// When, milliseconds since 1970.
    pub time_ms: i64,
    /// Why, in the words of whoever asked.
    pub policy: String,
}

/// The head file, held open by the one that writes it.
pub(crate) struct HeadFile(File);

impl HeadFile {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        Ok(Self(private(&mut options).write(true).create(true).truncate(false).open(folder.join(HEAD))?))
    }

    /// One write inside one sector. It is on the disk after [`HeadFile::sync`], and meanwhile safe
    /// from the death of the process.
    pub(crate) fn write(&mut self, head: &Head, key: &Key) -> Result<()> {
        let mut text = sealed(head, &key.head)?;
        text.pop();
        if text.len() >= HEAD_BYTES {
            return Err(IoError::other("the head does not fit its sector"));
        }
        text.resize(HEAD_BYTES - 1, b' ');
        text.push(b'\n');
        std::os::unix::fs::FileExt::write_all_at(&self.0, &text, 0)
    }

    pub(crate) fn sync(&self) -> Result<()> {
        self.0.sync_all()
    }
}

/// The head: none when there is no file, `InvalidData` when it is not what was written.
pub(crate) fn read_head(folder: &Path, key: &Key) -> Result<Option<Head>> {
    let Some(text) = read(&folder.join(HEAD))? else { return Ok(None) };
    let end = text.iter().rposition(|byte| *byte == b'}').map_or(0, |at| at + 1);
    let padded = text.len() == HEAD_BYTES
        && text[end..].split_last().is_some_and(|(last, pad)| *last == b'\n' && pad.iter().all(|byte| *byte == b' '));
    if !padded {
        return Err(IoError::new(ErrorKind::InvalidData, "it is not of the form that was written"));
    }
    unsealed(&text[..end], &key.head).map(Some)
}

/// The marker of what was deleted, if anything was.
pub(crate) fn read_pruned(folder: &Path, key: &Key) -> Result<Option<Pruned>> {
    let Some(text) = read(&folder.join(PRUNED))? else { return Ok(None) };
    let line = text.strip_suffix(b"\n").ok_or(ErrorKind::InvalidData)?;
    unsealed(line, &key.marker).map(Some)
}

/// Puts the marker in place; it is on the disk when this returns.
pub(crate) fn write_pruned(folder: &Path, key: &Key, pruned: &Pruned) -> Result<()> {
    let beside = folder.join("pruned.new");
    let mut options = OpenOptions::new();
    let mut file = private(&mut options).write(true).create(true).truncate(true).open(&beside)?;
    file.write_all(&sealed(pruned, &key.marker)?)?;
    file.sync_all()?;
    std::fs::rename(beside, folder.join(PRUNED))?;
    sync_folder(folder)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all()
}

/// Only the owner reads what is made with these.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn sealed<T: Serialize>(value: &T, mac: &Mac) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(value)?;
    text.pop();
    line::seal(&mut text, 0, mac, &NOTHING);
    Ok(text)
}

fn unsealed<T: DeserializeOwned>(text: &[u8], mac: &Mac) -> Result<T> {
    let bad = || IoError::new(ErrorKind::InvalidData, "its seal does not match");
    let (body, _) = line::open(text, mac, &NOTHING).ok_or_else(bad)?;
    Ok(serde_json::from_slice(&[body, b"}"].concat())?)
}
