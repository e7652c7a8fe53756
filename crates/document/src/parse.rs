//! One file to text, in this process: choose the reader, bound the result, name the file in errors.
//!
//! It does not know any format from within.

use crate::fault::unreadable;
use crate::parsed::Parsed;
use crate::sniff::{Format, sniff};
use crate::tools::Tools;
use crate::{csv, decode, html, markdown, office, pdf, picture, text};
use std::panic::{AssertUnwindSafe, catch_unwind};
use yizhan_domain::Result;

/// Reads a file. `name` serves to choose among textual formats and to name the file in errors.
///
/// Native code may run on the bytes: a server calls [`crate::Parser`] instead, which does this in a
/// child process. Fails with `unreadable_document` and the reason, or `model_unavailable` where
/// [`Tools`] lacks what the format needs.
pub fn parse(name: &str, bytes: &[u8], tools: &Tools) -> Result<Parsed> {
    parse_with(name, bytes, tools, &|| {})
}

/// The same; calls `progress` now and then in a long document.
pub(crate) fn parse_with(name: &str, bytes: &[u8], tools: &Tools, progress: &dyn Fn()) -> Result<Parsed> {
    // A fault of a library that reads a format is a fault of the file, not of this process.
    let result = catch_unwind(AssertUnwindSafe(|| read(name, bytes, tools, progress)));
    let result = result.unwrap_or_else(|_| Err(unreadable("the parser stumbled over it; please report the file.")));
    result.map_err(|error| error.context(name))
}

fn read(name: &str, bytes: &[u8], tools: &Tools, progress: &dyn Fn()) -> Result<Parsed> {
    let bounds = &tools.bounds;
    if bytes.len() as u64 > bounds.file_bytes {
        return Err(unreadable(format!("the file is larger than {} MB.", bounds.file_bytes >> 20)));
    }
    let (format, warning) = sniff(name, bytes)?;
    let mut parsed = match format {
        Format::Pdf => pdf::parse(bytes, tools, progress)?,
        Format::Markdown => markdown::parse(&decode::decode(bytes, None)?),
        Format::Text => text::parse(&decode::decode(bytes, None)?),
        Format::Html => html::parse(&decode::decode(bytes, html::declared_encoding(bytes))?),
        Format::Csv => csv::parse(&decode::decode(bytes, None)?),
        Format::Docx => office::docx::parse(bytes, bounds)?,
        Format::Pptx => office::pptx::parse(bytes, bounds)?,
        Format::Workbook => office::workbook::parse(bytes, bounds)?,
        Format::Image => picture::parse(bytes, tools)?,
    };
    if parsed.text_bytes() > bounds.text_bytes {
        return Err(unreadable(format!("its text is longer than {} MB.", bounds.text_bytes >> 20)));
    }
    parsed.warnings.extend(warning);
    if parsed.blocks.is_empty() {
        let detail = parsed.warnings.first().map(|warning| format!(" ({warning})")).unwrap_or_default();
        return Err(unreadable(format!("there is no text in it{detail}.")));
    }
    Ok(parsed)
}
