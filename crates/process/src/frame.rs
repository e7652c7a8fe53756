//! Frames: a small JSON head and an opaque body, both with a length in front.
//!
//! ```text
//! u32 head length, u32 body length (little endian), head (JSON), body (bytes)
//! ```
//!
//! It does not know what heads and bodies mean.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{Error, ErrorKind, Read, Result, Write};

/// A head is small; anything longer is a broken pipe partner.
const MAX_HEAD: usize = 64 << 20;
/// A body may carry a whole parsed document.
const MAX_BODY: usize = 1 << 30;

/// Writes one frame and flushes.
pub fn write_frame(output: &mut impl Write, head: &impl Serialize, body: &[u8]) -> Result<()> {
    let head = serde_json::to_vec(head)?;
    if head.len() > MAX_HEAD || body.len() > MAX_BODY {
        return Err(Error::new(ErrorKind::InvalidInput, "frame too large"));
    }
    let mut lengths = [0u8; 8];
    lengths[..4].copy_from_slice(&(head.len() as u32).to_le_bytes());
    lengths[4..].copy_from_slice(&(body.len() as u32).to_le_bytes());
    output.write_all(&lengths)?;
    output.write_all(&head)?;
    output.write_all(body)?;
    output.flush()
}

/// Reads one frame; `None` at the clean end of the input.
pub fn read_frame<H: DeserializeOwned>(input: &mut impl Read) -> Result<Option<(H, Vec<u8>)>> {
    let mut lengths = [0u8; 8];
    let mut filled = 0;
    while filled < lengths.len() {
        match input.read(&mut lengths[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let word =
        |at: usize| u32::from_le_bytes([lengths[at], lengths[at + 1], lengths[at + 2], lengths[at + 3]]) as usize;
    let (head_length, body_length) = (word(0), word(4));
    if head_length > MAX_HEAD || body_length > MAX_BODY {
        return Err(Error::new(ErrorKind::InvalidData, "frame lengths out of range"));
    }
    // Grown while reading: a lying length costs no memory.
    let mut head = Vec::new();
    input.take(head_length as u64).read_to_end(&mut head)?;
    let mut body = Vec::new();
    input.take(body_length as u64).read_to_end(&mut body)?;
    if head.len() < head_length || body.len() < body_length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((serde_json::from_slice(&head)?, body)))
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
