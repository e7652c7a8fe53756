//! What the targets share: how a refusal must look, and how bytes are cut into pieces.
//!
//! It does not know any reader.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a fuzz target fails by panicking")]

use serde_json::Value;
use yizhan_domain::Error;

/// Longest error that a caller is told, in bytes of JSON.
const LONGEST_ERROR: usize = 50_000;

/// The JSON of a request's body, if it is one.
pub fn json(data: &[u8]) -> Option<Value> {
    match yizhan_dialect::parse_json(data) {
        Ok(value) => Some(value),
        Err(error) => {
            refused(&error);
            None
        }
    }
}

/// A refusal of a caller's mistake: a 4xx, one sentence or more, in both dialects' forms.
pub fn refused(error: &Error) {
    let (status, sentence) = (error.code().status(), error.message());
    assert!((400..500).contains(&status), "status {status}: {error}");
    assert!(sentence.ends_with(['.', '?', ')']), "no sentence: {sentence}");
    // What they sent is shown in part at most.
    let ours = yizhan_dialect::openai::error_body(error);
    assert!(ours["error"]["message"].is_string() && ours["error"]["type"].is_string(), "{ours}");
    assert!(ours.to_string().len() <= LONGEST_ERROR, "{ours}");
    let theirs = yizhan_dialect::anthropic::error_body(error);
    assert!(theirs["type"] == "error" && theirs["error"]["message"].is_string(), "{theirs}");
}

/// The data behind its first bytes, which say where it is cut.
pub fn split_off(data: &[u8], most: usize) -> (&[u8], &[u8]) {
    let count = data.first().map_or(0, |first| usize::from(*first) % (most + 1)).min(data.len().saturating_sub(1));
    let rest = data.get(1..).unwrap_or_default();
    rest.split_at(count)
}

/// The data in pieces of the lengths that `cuts` says, over and over; a length of 0 is 1.
pub fn pieces<'d>(mut data: &'d [u8], cuts: &[u8]) -> Vec<&'d [u8]> {
    let mut pieces = Vec::new();
    let mut lengths = cuts.iter().map(|cut| usize::from(*cut).max(1)).cycle();
    while !data.is_empty() {
        let length = lengths.next().unwrap_or(data.len()).min(data.len());
        let (piece, rest) = data.split_at(length);
        pieces.push(piece);
        data = rest;
    }
    pieces
}

/// The same of a text, between its characters.
pub fn text_pieces<'t>(mut text: &'t str, cuts: &[u8]) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    let mut lengths = cuts.iter().map(|cut| usize::from(*cut).max(1)).cycle();
    while !text.is_empty() {
        let length = lengths.next().unwrap_or(text.len());
        let (piece, rest) = text.split_at(text.ceil_char_boundary(length));
        pieces.push(piece);
        text = rest;
    }
    pieces
}

/// A folder in memory, where there is one.
pub fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap()
}
