//! Ruled tables: lines that cross make a grid, and text lies in its cells.
//!
//! It does not know PDFium or where the table stands in the reading order.

use super::line::rows;
use super::ruling::Ruling;
use super::run::Run;
use crate::table::Row;
use crate::wrap;
use yizhan_domain::Rect;

/// Lines closer than this many points are one, and lines that miss each other by less do meet.
const SNAP: f32 = 3.0;
/// A grid of more lines than this either way is a drawing.
const MOST_LINES: usize = 200;

/// A ruled table's geometry.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) rect: Rect,
    /// The columns' edges from left to right and the rows' from top to bottom.
    xs: Vec<f32>,
    ys: Vec<f32>,
    /// For each cell of the full grid, row by row, the cell that it is merged into.
    owner: Vec<u32>,
}

impl Grid {
    fn columns(&self) -> usize {
        self.xs.len() - 1
    }

    /// The merged cell at this point.
    pub(super) fn cell_at(&self, x: f32, y: f32) -> Option<u32> {
        let within = |edges: &[f32], at: f32| {
            let after = edges.partition_point(|&edge| edge <= at);
            (after > 0 && after < edges.len()).then(|| after - 1)
        };
        let (column, row) = (within(&self.xs, x)?, within(&self.ys, y)?);
        self.owner.get(row * self.columns() + column).copied()
    }

    /// The table's rows, from runs whose zone is a cell of it.
    pub(super) fn fill(&self, runs: Vec<Run>, page: u32) -> Vec<Row> {
        let columns = self.columns();
        let mut cells: Vec<Vec<Run>> = vec![Vec::new(); self.owner.len()];
        for run in runs {
            let cell = run.zone.and_then(|cell| cells.get_mut(cell as usize));
            if let Some(cell) = cell {
                cell.push(run);
            }
        }
        let mut cells = cells.into_iter();
        let [left, _, right, _] = self.rect.0;
        let mut table = Vec::new();
        for edges in self.ys.windows(2) {
            let cells: Vec<String> = cells.by_ref().take(columns).map(cell_text).collect();
            if cells.iter().any(|cell| !cell.is_empty()) {
                table.push(Row { cells, page: Some(page), rect: Some(Rect([left, edges[0], right, edges[1]])) });
            }
        }
        table
    }
}

/// A cell's lines as one text.
pub(super) fn cell_text(runs: Vec<Run>) -> String {
    let mut text = String::new();
    for row in rows(runs) {
        let line = row.iter().map(|run| run.text.as_str()).collect::<Vec<_>>().join(" ");
        wrap::join(&mut text, &line);
        text.push_str(&line);
    }
    text
}

/// The grids that the lines of a page make: at least two columns and two rows each.
pub(super) fn grids(rulings: &[Ruling]) -> Vec<Grid> {
    if rulings.len() > 5000 {
        return Vec::new();
    }
    components(rulings).iter().filter_map(|part| grid(part)).collect()
}

/// Lines that meet, directly or through others.
fn components(rulings: &[Ruling]) -> Vec<Vec<Ruling>> {
    let mut rest: Vec<Ruling> = rulings.to_vec();
    let mut parts = Vec::new();
    while let Some(first) = rest.pop() {
        let mut part = vec![first];
        let mut next = 0;
        while let Some(&ruling) = part.get(next) {
            next += 1;
            let (near, far) = rest.into_iter().partition(|other| meets(&ruling, other));
            rest = far;
            let near: Vec<Ruling> = near;
            part.extend(near);
        }
        parts.push(part);
    }
    parts
}

fn meets(a: &Ruling, b: &Ruling) -> bool {
    let overlaps = |from: f32, to: f32, at: f32| at >= from - SNAP && at <= to + SNAP;
    if a.horizontal == b.horizontal {
        (a.at - b.at).abs() <= SNAP && a.from <= b.to + SNAP && b.from <= a.to + SNAP
    } else {
        overlaps(a.from, a.to, b.at) && overlaps(b.from, b.to, a.at)
    }
}

fn grid(part: &[Ruling]) -> Option<Grid> {
    let ys = edges(part, true);
    let mut xs = edges(part, false);
    let ends = |pick: fn(f32, f32) -> f32, end: fn(&Ruling) -> f32| {
        part.iter().filter(|ruling| ruling.horizontal).map(end).reduce(pick)
    };
    let (left, right) = (ends(f32::min, |ruling| ruling.from)?, ends(f32::max, |ruling| ruling.to)?);
    // Tables are often open at the sides.
    if xs.first().is_some_and(|&x| x > left + 2.0 * SNAP) {
        xs.insert(0, left);
    }
    if xs.last().is_some_and(|&x| x < right - 2.0 * SNAP) {
        xs.push(right);
    }
    if xs.len() < 3 || ys.len() < 3 || xs.len() > MOST_LINES || ys.len() > MOST_LINES {
        return None;
    }
    let owner = merge(part, &xs, &ys);
    let rect = Rect([xs[0], ys[0], xs[xs.len() - 1], ys[ys.len() - 1]]);
    Some(Grid { rect, xs, ys, owner })
}

/// The distinct positions of the lines of one direction, ascending.
fn edges(part: &[Ruling], horizontal: bool) -> Vec<f32> {
    let mut all: Vec<f32> =
        part.iter().filter(|ruling| ruling.horizontal == horizontal).map(|ruling| ruling.at).collect();
    all.sort_by(f32::total_cmp);
    all.dedup_by(|next, first| *next - *first <= SNAP);
    all
}

/// Cells with no line between them are one; it is owned by its first cell in reading order.
fn merge(part: &[Ruling], xs: &[f32], ys: &[f32]) -> Vec<u32> {
    let columns = xs.len() - 1;
    let ruled = |horizontal: bool, at: f32, middle: f32| {
        part.iter().any(|ruling| {
            ruling.horizontal == horizontal
                && (ruling.at - at).abs() <= SNAP
                && ruling.from <= middle
                && middle <= ruling.to
        })
    };
    let mut owner: Vec<u32> = (0..).take(columns * (ys.len() - 1)).collect();
    for row in 0..ys.len() - 1 {
        let middle_y = (ys[row] + ys[row + 1]) / 2.0;
        for column in 0..columns {
            let cell = row * columns + column;
            let middle_x = (xs[column] + xs[column + 1]) / 2.0;
            let open_left = column > 0 && !ruled(false, xs[column], middle_y);
            let open_above = row > 0 && !ruled(true, ys[row], middle_x);
            if open_left {
                owner[cell] = owner[cell - 1];
            } else if open_above {
                owner[cell] = owner[cell - columns];
            }
        }
    }
    owner
}

#[cfg(test)]
#[path = "grid_tests.rs"]
mod tests;
