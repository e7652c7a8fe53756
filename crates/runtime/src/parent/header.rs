//! The few facts of a GGUF file's header that are needed before a worker loads it.
//!
//! It does not know tensors; engines read those. The layout is that of ggml's `docs/gguf.md`.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use yizhan_domain::{Error, ErrorCode, Result};

/// More is no text that a header has a use for.
const LONGEST_TEXT: u64 = 1 << 20;

/// What the header says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    architecture: String,
    /// Tokens of context that the model was trained with.
    pub(super) context: Option<u32>,
    width: Option<u32>,
    /// Where the model takes fewer tokens than it has positions; written by `yizhan_encoder`'s conversion.
    most_tokens: Option<u32>,
}

impl Header {
    /// Reads a file's header.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let read = File::open(path).and_then(|file| Self::parse(&mut BufReader::with_capacity(64 << 10, file)));
        read.map_err(|error| unavailable(path, &error.to_string()))
    }

    /// Length of vectors and most tokens of an embedding model.
    pub(super) fn embedding(&self, path: &Path) -> Result<(usize, usize)> {
        match (self.architecture.as_str(), self.width, self.context) {
            ("bert", Some(width), Some(context)) => {
                let most = self.most_tokens.map_or(context, |most| most.min(context));
                Ok((width as usize, most as usize))
            }
            _ => Err(unavailable(path, &format!("architecture '{}' is not 'bert'", self.architecture))),
        }
    }

    fn parse(input: &mut impl Read) -> std::io::Result<Self> {
        if read_array(input)? != *b"GGUF" {
            return Err(broken("it is no GGUF file"));
        }
        let version = u32::from_le_bytes(read_array(input)?);
        if !(2..=3).contains(&version) {
            return Err(broken("its GGUF version is unknown"));
        }
        let _tensors = read_u64(input)?;
        let pairs = read_u64(input)?;
        let mut header = Self::default();
        for _ in 0..pairs {
            let key = read_text(input)?;
            let kind = u32::from_le_bytes(read_array(input)?);
            let (prefix, name) = key.split_once('.').unwrap_or_default();
            match (key.as_str(), name) {
                ("general.architecture", _) => header.architecture = read_text(input)?,
                ("yizhan.embed.max_tokens", _) => header.most_tokens = read_number(input, kind)?,
                (_, "context_length") if prefix == header.architecture => header.context = read_number(input, kind)?,
                (_, "embedding_length") if prefix == header.architecture => header.width = read_number(input, kind)?,
                // The tokenizer's lists come last and are long; nothing behind them is wanted from a chat model.
                ("tokenizer.ggml.tokens", _) if header.architecture != "bert" => break,
                _ => skip(input, kind, 0)?,
            }
        }
        Ok(header)
    }
}

fn unavailable(path: &Path, why: &str) -> Error {
    let message = format!("The model file '{}' cannot be used ({why}). Pull the model again.", path.display());
    Error::new(ErrorCode::ModelUnavailable, message)
}

fn broken(why: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, why)
}

fn read_array<const N: usize>(input: &mut impl Read) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_u64(input: &mut impl Read) -> std::io::Result<u64> {
    read_array(input).map(u64::from_le_bytes)
}

fn read_text(input: &mut impl Read) -> std::io::Result<String> {
    let length = read_u64(input)?;
    if length > LONGEST_TEXT {
        return Err(broken("a text in its header is too long"));
    }
    let mut bytes = Vec::new();
    if input.take(length).read_to_end(&mut bytes)? as u64 != length {
        return Err(broken("its header ends early"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A whole number that fits; others are passed over.
fn read_number(input: &mut impl Read, kind: u32) -> std::io::Result<Option<u32>> {
    match kind {
        4 => Ok(Some(u32::from_le_bytes(read_array(input)?))),
        5 => Ok(u32::try_from(i32::from_le_bytes(read_array(input)?)).ok()),
        10 => Ok(u32::try_from(read_u64(input)?).ok()),
        _ => skip(input, kind, 0).map(|()| None),
    }
}

fn skip(input: &mut impl Read, kind: u32, depth: usize) -> std::io::Result<()> {
    let length = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        8 => read_u64(input)?,
        9 if depth < 4 => {
            let (kind, count) = (u32::from_le_bytes(read_array(input)?), read_u64(input)?);
            for _ in 0..count {
                skip(input, kind, depth + 1)?;
            }
            0
        }
        10..=12 => 8,
        _ => return Err(broken("a value in its header is of no known kind")),
    };
    if std::io::copy(&mut input.take(length), &mut std::io::sink())? != length {
        return Err(broken("its header ends early"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
