//! What is printed: text for people, JSON for programs, and errors.
//!
//! It does not know where the things come from.

use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use yizhan_domain::{Citation, Error, Rect};
use yizhan_store::{BaseSettings, DocumentState};

/// A knowledge base.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BaseSummary {
    pub(crate) name: String,
    pub(crate) documents: u64,
    pub(crate) chunks: u64,
    pub(crate) states: BTreeMap<DocumentState, u64>,
    pub(crate) settings: BaseSettings,
}

/// What became of a document.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DocumentLine {
    pub(crate) document: String,
    pub(crate) state: DocumentState,
    pub(crate) reason: Option<String>,
    pub(crate) chunks: u64,
}

/// A passage that was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Passage {
    pub(crate) document: String,
    pub(crate) page: Option<u32>,
    pub(crate) heading: Vec<String>,
    pub(crate) text: String,
    pub(crate) score: f32,
    pub(crate) boxes: Vec<Rect>,
}

/// An answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) answer: String,
    pub(crate) citations: Vec<Citation>,
}

/// The sentence, its code, and nothing else.
pub(crate) fn print_error(error: &Error) {
    let _ = writeln!(std::io::stderr(), "yizhan: {} [{}]", error.message(), error.code().as_str());
}

/// One line on standard output. A reader that has gone away ends the program quietly, as it does
/// other tools in a pipe.
pub(crate) fn line(text: impl AsRef<str>) {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(text.as_ref().as_bytes()).and_then(|()| output.write_all(b"\n"));
    if written.and_then(|()| output.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A piece of a line, shown at once.
pub(crate) fn piece(text: &str) {
    let mut output = std::io::stdout().lock();
    if output.write_all(text.as_bytes()).and_then(|()| output.flush()).is_err() {
        std::process::exit(0);
    }
}

/// One JSON value on a line of its own.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => line(text),
        Err(error) => print_error(&Error::internal(error.to_string())),
    }
}

/// Is a person watching standard error?
pub(crate) fn interactive() -> bool {
    std::io::stderr().is_terminal()
}

/// A note on standard error.
pub(crate) fn note(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
}

/// A question on standard error, whose answer follows on the same line.
pub(crate) fn prompt(text: &str) {
    let mut errors = std::io::stderr().lock();
    let _ = errors.write_all(text.as_bytes()).and_then(|()| errors.flush());
}

/// The citation as one line: `[n] file, page, the quoted line`.
pub(crate) fn citation(citation: &Citation) -> String {
    let page = citation.page.map(|page| format!("p. {page}, ")).unwrap_or_default();
    format!("[{}] {}, {page}“{}”", citation.index, citation.filename, one_line(&citation.quote))
}

/// White space folded.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    let mut value = count as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") }
}
