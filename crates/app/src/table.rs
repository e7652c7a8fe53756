//! Aligned columns for people.
//!
//! It does not know what stands in them.

use crate::output;

/// One row of cells.
pub(crate) type Row = Vec<String>;

/// Prints a head and rows, each column as wide as its widest cell. The columns from `numbers` on stand to the
/// right, as numbers do.
pub(crate) fn print(head: &[&str], rows: &[Row], numbers: usize) {
    lines(head, rows, numbers).iter().for_each(output::line);
}

fn lines(head: &[&str], rows: &[Row], numbers: usize) -> Vec<String> {
    let head: Row = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut widths = vec![0; head.len()];
    for row in rows.iter().chain([&head]) {
        for (column, cell) in widths.iter_mut().zip(row) {
            *column = width(cell).max(*column);
        }
    }
    let line = |row: &Row| {
        let mut text = String::new();
        for (place, (cell, column)) in row.iter().zip(&widths).enumerate() {
            let space = " ".repeat(column - width(cell));
            let (left, right) = if place >= numbers { (space, String::new()) } else { (String::new(), space) };
            text.push_str(&format!("{left}{cell}{right}  "));
        }
        text.truncate(text.trim_end().len());
        text
    };
    [&head].into_iter().chain(rows).map(line).collect()
}

/// Columns of a terminal: Chinese, Japanese and Korean signs and full-width forms take two.
fn width(text: &str) -> usize {
    let wide = |c: char| matches!(u32::from(c), 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD);
    text.chars().map(|c| 1 + usize::from(wide(c))).sum()
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
