//! One text from many blocks, every line of it with its place.
//!
//! It does not know documents' formats or how the text is cut afterwards.

use std::ops::Range;
use yizhan_domain::LineSpan;

/// A text that grows block by block and remembers where each line stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinedText {
    pub(crate) text: String,
    pub(crate) lines: Vec<LineSpan>,
}

impl LinedText {
    /// Appends a block after a separator; its lines move along.
    pub(crate) fn push(&mut self, separator: &str, text: &str, lines: &[LineSpan]) {
        if !self.text.is_empty() {
            self.text.push_str(separator);
        }
        let offset = self.text.len() as u32;
        self.text.push_str(text);
        self.lines.extend(lines.iter().map(|line| LineSpan {
            start: line.start + offset,
            end: line.end + offset,
            ..*line
        }));
    }

    /// A part of it, its lines cut to fit and counted from the part's start.
    pub(crate) fn slice(&self, range: Range<usize>) -> (String, Vec<LineSpan>) {
        let (start, end) = (range.start as u32, range.end as u32);
        let first = self.lines.partition_point(|line| line.end <= start);
        let lines = self.lines[first..]
            .iter()
            .take_while(|line| line.start < end)
            .map(|line| LineSpan { start: line.start.max(start) - start, end: line.end.min(end) - start, ..*line })
            .collect();
        (self.text[range].to_owned(), lines)
    }
}

/// The lines of a text without places: one span per line that is not blank.
pub(crate) fn plain_lines(text: &str) -> Vec<LineSpan> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        if !line.trim().is_empty() {
            lines.push(LineSpan { start: start as u32, end: end as u32, page: None, rect: None });
        }
        start += line.len();
    }
    lines
}
