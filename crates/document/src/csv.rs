//! CSV and TSV: one table, cut into blocks that each repeat the header.
//!
//! It does not guess types: cells stay as they are written.

use crate::parsed::Parsed;
use crate::table::{Row, table_blocks};

/// Rows go into blocks of about this many bytes.
const BLOCK_BYTES: usize = 2 << 10;
/// Lines that the delimiter is judged by.
const SAMPLE_LINES: usize = 50;

/// The table of a CSV text.
pub(crate) fn parse(text: &str) -> Parsed {
    let (text, declared) = directive(text);
    let delimiter = declared.unwrap_or_else(|| delimiter(text));
    let rows = records(text, delimiter).into_iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    let mut rows = rows.map(|cells| Row::plain(cells, None));
    let mut parsed = Parsed::default();
    if let Some(header) = rows.next() {
        parsed.blocks = table_blocks(header, rows.collect(), BLOCK_BYTES);
    }
    parsed
}

/// Excel's first line `sep=;`.
fn directive(text: &str) -> (&str, Option<char>) {
    let line = text.lines().next().unwrap_or_default();
    match line.strip_prefix("sep=").map(|rest| rest.chars().collect::<Vec<_>>()) {
        Some(chars) if chars.len() == 1 => (text[line.len()..].trim_start_matches('\n'), Some(chars[0])),
        _ => (text, None),
    }
}

/// The delimiter that most lines have equally often outside quotes.
fn delimiter(text: &str) -> char {
    let sample: String = text.lines().take(SAMPLE_LINES).collect::<Vec<_>>().join("\n");
    let score = |delimiter: char| {
        let rows = records(&sample, delimiter);
        let first = rows.first().map_or(0, Vec::len);
        if first < 2 {
            return (0, 0);
        }
        (rows.iter().filter(|row| row.len() == first).count(), first)
    };
    [',', '\t', ';', '|', '，'].into_iter().rev().max_by_key(|&delimiter| score(delimiter)).unwrap_or(',')
}

/// Records by RFC 4180; a quote that is never closed takes in the rest.
fn records(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(ch) = chars.next() {
        let Some(row) = rows.last_mut() else { break };
        let Some(cell) = row.last_mut() else { break };
        match ch {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            ch if quoted => cell.push(ch),
            ch if ch == delimiter => row.push(String::new()),
            '\n' => rows.push(vec![String::new()]),
            ch => cell.push(ch),
        }
    }
    rows
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
