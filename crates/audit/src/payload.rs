//! Texts of calls, kept beside the chain so that they can be deleted earlier than the records.
//!
//! A record's line holds where its payload lies and its MAC. The file itself is a heap of JSON lines
//! that nothing else orders. A MAC instead of a bare hash, because a short text could be guessed from
//! its hash after it was deleted.

use crate::hash::Hash;
use crate::key::{Key, Mac};
use crate::marks::private;
use crate::record::Payload;
use crate::segment::payload_path;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Error as IoError, ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How much of a call's texts is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// Not even their digests.
    None,
    /// Their SHA-256 alone.
    #[default]
    Metadata,
    /// Digests, and the texts as the caller's function redacts them.
    Redacted,
    /// Digests and texts.
    Full,
}

/// What [`capture`] kept of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// SHA-256 of the request.
    pub request_sha256: Option<Hash>,
    /// SHA-256 of the response.
    pub response_sha256: Option<Hash>,
    /// The texts.
    pub payload: Option<Payload>,
}

/// Keeps of a call's texts what the policy allows, at most `most` bytes of each.
pub fn capture(
    policy: Capture,
    request: &str,
    response: &str,
    most: usize,
    redact: impl Fn(&str) -> String,
) -> Captured {
    if policy == Capture::None {
        return Captured::default();
    }
    let keep = |text: &str| match policy {
        // Redacted whole: what is cut in half may no longer be recognised.
        Capture::Redacted => cut(redact(text), most),
        _ => cut(text.to_owned(), most),
    };
    let payload = matches!(policy, Capture::Redacted | Capture::Full).then(|| {
        let ((request, cut), (response, also_cut)) = (keep(request), keep(response));
        Payload { request, response, redacted: policy == Capture::Redacted, cut: cut || also_cut }
    });
    let digest = |text: &str| Some(Hash::sha256(text.as_bytes()));
    Captured { request_sha256: digest(request), response_sha256: digest(response), payload }
}

fn cut(mut text: String, most: usize) -> (String, bool) {
    let end = text.floor_char_boundary(most);
    let longer = end < text.len();
    text.truncate(end);
    (text, longer)
}

/// Where a payload lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayloadPlace {
    at: u64,
    bytes: u64,
    mac: Hash,
}

impl PayloadPlace {
    /// Reads it; `NotFound` when the file is gone, `InvalidData` when it is not what was written.
    pub(crate) fn read(&self, folder: &Path, segment: u64, key: &Key) -> Result<Vec<u8>> {
        let mut file = File::open(payload_path(folder, segment))?;
        // The place itself is authenticated, but memory is not taken on a file's word.
        if self.at.saturating_add(self.bytes) > file.metadata()?.len() {
            return Err(IoError::new(ErrorKind::InvalidData, "the payload file is shorter"));
        }
        file.seek(SeekFrom::Start(self.at))?;
        let mut text = Vec::new();
        file.take(self.bytes).read_to_end(&mut text)?;
        if key.payload.of(&[&text]) != self.mac {
            return Err(IoError::new(ErrorKind::InvalidData, "the payload was changed"));
        }
        Ok(text)
    }
}

/// The payload file of the segment that is being written. Made when the first payload comes.
pub(crate) struct PayloadFile {
    path: PathBuf,
    open: Option<(File, u64)>,
    written: bool,
}

impl PayloadFile {
    pub(crate) fn new(folder: &Path, segment: u64) -> Self {
        Self { path: payload_path(folder, segment), open: None, written: false }
    }

    pub(crate) fn write(&mut self, text: &[u8], mac: &Mac) -> Result<PayloadPlace> {
        let (file, length) = match &mut self.open {
            Some(open) => open,
            None => {
                let mut options = OpenOptions::new();
                let file = private(&mut options).append(true).create(true).open(&self.path)?;
                let length = file.metadata()?.len();
                self.path.parent().map_or(Ok(()), crate::marks::sync_folder)?;
                self.open.insert((file, length))
            }
        };
        let place = PayloadPlace { at: *length, bytes: text.len() as u64, mac: mac.of(&[text]) };
        file.write_all(text)?;
        file.write_all(b"\n")?;
        *length += text.len() as u64 + 1;
        self.written = true;
        Ok(place)
    }

    pub(crate) fn sync(&mut self, sync: fn(&File) -> Result<()>) -> Result<()> {
        match &self.open {
            Some((file, _)) if self.written => sync(file)?,
            _ => {}
        }
        self.written = false;
        Ok(())
    }

    /// After a failure: the next write looks anew where the file ends.
    pub(crate) fn forget(&mut self) {
        self.open = None;
        self.written = false;
    }
}
