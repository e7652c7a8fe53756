//! What a document says: blocks in reading order, each with its lines and their places.
//!
//! It does not know the format that the text came from.

use serde::{Deserialize, Serialize};
use yizhan_domain::{LineSpan, Rect};

/// A document as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parsed {
    /// The title that the document gives itself.
    pub title: Option<String>,
    /// Pages, slides or sheets; none where the format has none.
    pub pages: Option<u32>,
    /// The blocks, in reading order.
    pub blocks: Vec<Block>,
    /// What a reader should know, e.g. pages that could not be read.
    pub warnings: Vec<String>,
}

/// A heading, paragraph, list item, table or other unit of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Its text. A list item keeps its marker; a table is a Markdown table, one line a row.
    pub text: String,
    /// Its lines, in order; byte ranges index into `text`.
    pub lines: Vec<LineSpan>,
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BlockKind {
    /// A heading; the path of a block is the headings above it with falling levels.
    Heading {
        /// 1 for the outermost.
        level: u8,
    },
    /// Running text.
    Paragraph,
    /// One item of a list.
    ListItem {
        /// 1 for the outermost list.
        level: u8,
    },
    /// A table in Markdown: header row, dashes, one line per further row.
    Table,
    /// Program text, line by line.
    Code {
        /// The language, where the document names it.
        language: Option<String>,
    },
    /// The caption of a table or figure.
    Caption,
    /// A page header, footer or page number: part of the text, but of no section.
    Margin,
    /// A note: footnote, speaker's notes, a cell's comment.
    Note,
}

impl Block {
    /// A block whose lines are those of its text, all on one page and without boxes.
    pub(crate) fn plain(kind: BlockKind, text: String, page: Option<u32>) -> Self {
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let end = start + line.trim_end_matches('\n').len();
            if end > start {
                lines.push(span(start, end, page, None));
            }
            start += line.len();
        }
        Self { kind, text, lines }
    }

    /// The page of the first line.
    pub fn page(&self) -> Option<u32> {
        self.lines.first().and_then(|line| line.page)
    }
}

/// A span from positions that are known to fit.
pub(crate) fn span(start: usize, end: usize, page: Option<u32>, rect: Option<Rect>) -> LineSpan {
    let fit = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    LineSpan { start: fit(start), end: fit(end), page, rect }
}

impl Parsed {
    /// Adds a block without boxes, unless its text is blank.
    pub(crate) fn push(&mut self, kind: BlockKind, text: impl Into<String>, page: Option<u32>) {
        let text = text.into();
        let trimmed = match kind {
            BlockKind::Code { .. } => text.trim_end().trim_start_matches(['\r', '\n']),
            _ => text.trim(),
        };
        if !trimmed.is_empty() {
            let text = if trimmed.len() == text.len() { text } else { trimmed.to_owned() };
            self.blocks.push(Block::plain(kind, text, page));
        }
    }

    /// Bytes of text so far.
    pub(crate) fn text_bytes(&self) -> u64 {
        self.blocks.iter().map(|block| block.text.len() as u64).sum()
    }
}
