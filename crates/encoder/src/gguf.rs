//! The GGUF container (version 2 and 3): metadata, then tensors by name.
//!
//! A minimal reader and writer of its own: every length is checked against the bytes that are there before it is
//! used, so a damaged file is an error and never a panic or a large allocation. It does not know what the tensors
//! mean. The layout is llama.cpp's `docs/gguf.md`.

mod read;
mod tensor;
mod value;
mod write;

pub(crate) use read::Gguf;
pub(crate) use read::map_file;
pub(crate) use tensor::{BLOCK, ElementType, Tensor};
pub(crate) use value::Array;
pub(crate) use write::GgufWriter;

#[cfg(test)]
#[path = "gguf_tests.rs"]
mod tests;

const MAGIC: [u8; 4] = *b"GGUF";
const VERSION: u32 = 3;
const DEFAULT_ALIGNMENT: usize = 32;

use yizhan_domain::{Error, ErrorCode};

/// The error of a model file that is not what it should be.
pub(crate) fn damaged(what: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::ModelUnavailable,
        format!("The model file cannot be used: {what}. Pull the model again, or convert it again from its source."),
    )
}
