//! Zip containers, bounded: what a part may expand to is checked while it expands.
//!
//! It does not trust the sizes that the directory states, and does not know office formats.

use crate::fault::{damaged, unreadable};
use crate::tools::Bounds;
use std::io::{Cursor, Read};
use yizhan_domain::Result;
use zip::ZipArchive;

/// Below this many expanded bytes no ratio is suspicious.
const SMALL: u64 = 1 << 20;
/// More parts than any real office document has.
const MOST_PARTS: usize = 20_000;

/// An open container and what may still be expanded from it.
pub(crate) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    bounds: Bounds,
    left: u64,
}

impl<'a> Archive<'a> {
    /// Opens a container.
    pub(crate) fn open(bytes: &'a [u8], bounds: &Bounds) -> Result<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| damaged("its zip container is cut or broken", error))?;
        if zip.len() > MOST_PARTS {
            return Err(unreadable(format!("its zip container has {} parts; no document needs so many.", zip.len())));
        }
        Ok(Self { zip, bounds: *bounds, left: bounds.expanded_bytes })
    }

    /// Names of the parts, sorted so that `slide2` comes before `slide10`.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.zip.file_names().flatten().map(|name| name.into_owned()).collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names
    }

    /// A part as text; `None` when it is not there.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        if self.zip.index_for_name(name).is_none() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.expand(name, |part| bytes.extend_from_slice(part))?;
        crate::decode::decode(&bytes, None).map(Some)
    }

    /// Expands every part once and throws it away, for libraries that read the container themselves.
    pub(crate) fn check(&mut self) -> Result<()> {
        let names: Vec<String> = self.zip.file_names().flatten().map(|name| name.into_owned()).collect();
        names.iter().try_for_each(|name| self.expand(name, |_| {}))
    }

    fn expand(&mut self, name: &str, mut take: impl FnMut(&[u8])) -> Result<()> {
        let broken = |error: &dyn std::fmt::Display| damaged(&format!("part {name}"), error);
        let mut part = self.zip.by_name(name).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(text) if text.contains("assword") => {
                unreadable("it is encrypted; save it without a password and add it again.")
            }
            error => broken(&error),
        })?;
        let packed = part.compressed_size().max(1);
        let mut buffer = [0u8; 32 << 10];
        let mut total = 0u64;
        loop {
            let length = part.read(&mut buffer).map_err(|error| broken(&error))?;
            if length == 0 {
                return Ok(());
            }
            total += length as u64;
            let bomb = total > SMALL && total / packed > self.bounds.expansion_ratio;
            if bomb || self.left < length as u64 {
                return Err(unreadable(format!(
                    "it is a zip bomb or far too large: part {name} of {packed} bytes expands beyond {total} bytes."
                )));
            }
            self.left -= length as u64;
            take(&buffer[..length]);
        }
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
