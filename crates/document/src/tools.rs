//! What parsing may use and how much of it.
//!
//! It does not know where the libraries and models come from: the catalogue does.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Libraries, models and bounds for one parse. Crosses the pipe to the child.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tools {
    /// The PDFium library (`libpdfium.so`); without it PDFs are refused.
    pub pdfium: Option<PathBuf>,
    /// The models that read images and scanned pages; without them those are refused or skipped.
    pub ocr: Option<OcrModels>,
    /// How large a document may be.
    pub bounds: Bounds,
}

/// The files of a PP-OCR model pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OcrModels {
    /// Finds text lines (`.rten`).
    pub detection: PathBuf,
    /// Reads one line (`.rten`).
    pub recognition: PathBuf,
    /// The characters that the recognition model knows, one a line.
    pub alphabet: PathBuf,
}

/// How large a document may be. What is larger is refused with a reason, never cut silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bounds {
    /// Pages, slides or sheets.
    pub pages: u32,
    /// Bytes of the file itself.
    pub file_bytes: u64,
    /// Bytes of all the parts of a zip container that are read, once expanded.
    pub expanded_bytes: u64,
    /// Expanded bytes per compressed byte of one part, once it exceeds a megabyte.
    pub expansion_ratio: u64,
    /// Bytes of text that come out.
    pub text_bytes: u64,
    /// Pixels of an image.
    pub pixels: u64,
    /// Pages without text that are read by OCR (about a second each).
    pub ocr_pages: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            pages: 5_000,
            file_bytes: 512 << 20,
            expanded_bytes: 512 << 20,
            expansion_ratio: 200,
            text_bytes: 128 << 20,
            pixels: 100_000_000,
            ocr_pages: 500,
        }
    }
}
