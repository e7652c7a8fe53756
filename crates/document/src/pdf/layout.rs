//! The reading order of a page: columns one after the other, tables as wholes.
//!
//! It does not know paragraphs, nor the pages before and after.

use super::aligned;
use super::column;
use super::line::{Cells, Line, line, rows};
use super::run::Run;
use crate::table::Row;
use yizhan_domain::Rect;

/// Columns within columns within columns.
const DEEPEST: u8 = 3;
/// A page of more rows than this is not searched for columns.
const MOST_ROWS: usize = 1500;

/// What stands on a page, in reading order.
#[derive(Debug)]
pub(crate) enum Item {
    /// A line of text.
    Line(Line),
    /// A table's rows, the header first.
    Table(Vec<Row>),
}

/// A ruled table to be placed among the lines.
pub(crate) struct Ruled {
    pub(crate) rect: Rect,
    pub(crate) rows: Vec<Row>,
    /// Its place in the content's own order.
    pub(crate) order: usize,
}

/// Puts a page's upright runs and its ruled tables into reading order.
pub(super) fn layout(runs: Vec<Run>, tables: Vec<Ruled>, page: u32) -> Vec<Item> {
    let mut order = Order { items: Vec::new(), tables: Vec::new(), region: 0, page };
    let mut runs = runs;
    for table in tables {
        runs.push(placeholder(&table, order.tables.len()));
        order.tables.push(Some(table.rows));
    }
    order.split(runs, 0);
    order.items
}

/// A table takes part in the ordering as one run at its top.
fn placeholder(table: &Ruled, index: usize) -> Run {
    let rect = table.rect;
    Run {
        text: String::new(),
        rect,
        base: rect.0[1] + 1.0,
        size: 1.0,
        bold: false,
        mono: false,
        count: 0,
        direction: Some(0),
        order: table.order,
        zone: u32::try_from(index).ok(),
    }
}

struct Order {
    items: Vec<Item>,
    tables: Vec<Option<Vec<Row>>>,
    region: u32,
    page: u32,
}

impl Order {
    fn split(&mut self, runs: Vec<Run>, depth: u8) {
        let rows = rows(runs);
        if depth >= DEEPEST || rows.len() > MOST_ROWS {
            return self.emit(rows);
        }
        let mut single: Vec<Cells> = Vec::new();
        let mut rest = rows.as_slice();
        while let Some(first) = rest.first() {
            let Some(band) = column::band(rest) else {
                single.push(first.clone());
                rest = &rest[1..];
                continue;
            };
            self.emit(std::mem::take(&mut single));
            let (both, after) = rest.split_at(band.rows);
            let (left, right): (Vec<Run>, Vec<Run>) =
                both.iter().flatten().cloned().partition(|run| run.rect.0[2] <= band.middle);
            self.split(left, depth + 1);
            self.split(right, depth + 1);
            rest = after;
        }
        self.emit(single);
    }

    /// Rows of one column, from top to bottom.
    fn emit(&mut self, rows: Vec<Cells>) {
        if rows.is_empty() {
            return;
        }
        self.region += 1;
        let column = edges(&rows);
        let mut rest = rows.as_slice();
        while let Some(row) = rest.first() {
            if let Some((length, table)) = aligned::table(rest, self.page) {
                self.items.push(Item::Table(table));
                rest = &rest[length..];
                continue;
            }
            self.row(row, column);
            rest = &rest[1..];
        }
    }

    fn row(&mut self, row: &[Run], column: [f32; 2]) {
        let (tables, text): (Vec<Run>, Vec<Run>) = row.iter().cloned().partition(|run| run.text.is_empty());
        self.items.extend(line(&text, column, self.region).map(Item::Line));
        for table in tables {
            let slot = table.zone.and_then(|index| self.tables.get_mut(index as usize));
            if let Some(rows) = slot.and_then(Option::take) {
                self.items.push(Item::Table(rows));
            }
        }
    }
}

/// Left and right edge of a column's text. A few lines may run over the right one.
fn edges(rows: &[Cells]) -> [f32; 2] {
    let left = rows.iter().flatten().map(|run| run.rect.0[0]).reduce(f32::min).unwrap_or(0.0);
    let mut ends: Vec<f32> = rows.iter().filter_map(|row| row.last()).map(|run| run.rect.0[2]).collect();
    ends.sort_by(|a, b| b.total_cmp(a));
    // The rightmost end that another tenth of the lines share, give or take a character.
    let least = (ends.len() / 10).max(1);
    let size = rows.iter().flatten().map(|run| run.size).fold(1.0, f32::max);
    let shared = (0..ends.len()).find(|&at| ends.get(at + least).is_some_and(|end| ends[at] - end < size));
    let right = shared.or((!ends.is_empty()).then_some(0)).map_or(left, |at| ends[at]);
    [left, right]
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
