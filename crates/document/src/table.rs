//! Rows of cells to Markdown tables.
//!
//! It does not know where the cells come from.

use crate::parsed::{Block, BlockKind, span};
use yizhan_domain::Rect;

/// A row: its cells, its page and its box.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) cells: Vec<String>,
    pub(crate) page: Option<u32>,
    pub(crate) rect: Option<Rect>,
}

impl Row {
    /// A row without a box.
    pub(crate) fn plain(cells: Vec<String>, page: Option<u32>) -> Self {
        Self { cells, page, rect: None }
    }
}

/// One table block; the first row is the header. `None` when every cell is blank.
///
/// Rows are padded to the widest. A cell's line breaks become spaces and its bars are escaped, so
/// that one row is one line.
pub(crate) fn table_block(rows: &[Row]) -> Option<Block> {
    let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    if rows.iter().all(|row| row.cells.iter().all(|cell| cell.trim().is_empty())) {
        return None;
    }
    let mut text = String::new();
    let mut lines = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let start = text.len();
        text.push('|');
        for column in 0..width {
            text.push(' ');
            let before = text.len();
            push_cell(&mut text, row.cells.get(column).map_or("", String::as_str));
            if text.len() > before {
                text.push(' ');
            }
            text.push('|');
        }
        lines.push(span(start, text.len(), row.page, row.rect));
        text.push('\n');
        if index == 0 {
            text.push('|');
            text.extend(std::iter::repeat_n(" --- |", width));
            text.push('\n');
        }
    }
    text.truncate(text.len() - 1);
    Some(Block { kind: BlockKind::Table, text, lines })
}

/// Appends a cell on one line, with single spaces and escaped bars.
fn push_cell(text: &mut String, cell: &str) {
    for (index, word) in cell.split_whitespace().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        for ch in word.chars() {
            if ch == '|' {
                text.push('\\');
            }
            text.push(ch);
        }
    }
}

/// Tables of at most about `bytes` each; every one repeats the header row.
pub(crate) fn table_blocks(header: Row, rows: Vec<Row>, bytes: usize) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut part = vec![header];
    let mut size = 0;
    for row in rows {
        let length: usize = row.cells.iter().map(|cell| cell.len() + 3).sum();
        if size + length > bytes && part.len() > 1 {
            blocks.extend(table_block(&part));
            part.truncate(1);
            size = 0;
        }
        size += length;
        part.push(row);
    }
    blocks.extend(table_block(&part));
    blocks
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
