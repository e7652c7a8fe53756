//! Plain text: paragraphs parted by blank lines.
//!
//! It does not know markup.

use crate::parsed::{BlockKind, Parsed};

/// Paragraphs of a text file. Lines within one stay lines: a plain text's breaks may mean something.
pub(crate) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut paragraph = String::new();
    for line in text.split('\n') {
        if line.trim().is_empty() {
            parsed.push(BlockKind::Paragraph, std::mem::take(&mut paragraph), None);
            continue;
        }
        if !paragraph.is_empty() {
            paragraph.push('\n');
        }
        paragraph.push_str(line.trim_end());
    }
    parsed.push(BlockKind::Paragraph, paragraph, None);
    parsed
}
