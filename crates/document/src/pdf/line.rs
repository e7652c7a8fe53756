//! Runs to lines in reading order.
//!
//! It does not know paragraphs.

use super::run::Run;
use yizhan_domain::Rect;

/// A line of text as it is read.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) rect: Rect,
    pub(crate) base: f32,
    pub(crate) size: f32,
    pub(crate) bold: bool,
    pub(crate) mono: bool,
    /// Left and right edge of the column that it stands in.
    pub(crate) column: [f32; 2],
    /// The number of the column on the page.
    pub(crate) region: u32,
    /// A page header or footer.
    pub(crate) margin: bool,
}

/// Runs of one row, from left to right.
pub(super) type Cells = Vec<Run>;

/// Groups runs by baseline, from top to bottom, each from left to right.
pub(super) fn rows(mut runs: Vec<Run>) -> Vec<Cells> {
    runs.sort_by(|a, b| a.base.total_cmp(&b.base).then(a.order.cmp(&b.order)));
    let mut rows: Vec<Cells> = Vec::new();
    for run in runs {
        match rows.last_mut() {
            Some(row)
                if row.first().is_some_and(|first| (run.base - first.base).abs() < 0.5 * first.size.min(run.size)) =>
            {
                row.push(run);
            }
            _ => rows.push(vec![run]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.rect.0[0].total_cmp(&b.rect.0[0]).then(a.order.cmp(&b.order)));
    }
    rows
}

/// The line of a row's cells.
pub(super) fn line(cells: &[Run], column: [f32; 2], region: u32) -> Option<Line> {
    let (first, rest) = cells.split_first()?;
    let longest = cells.iter().max_by_key(|run| run.count)?;
    let text = cells.iter().map(|run| run.text.as_str()).collect::<Vec<_>>().join(" ");
    let rect = rest.iter().fold(first.rect, |rect, run| rect.union(run.rect));
    let all: u32 = cells.iter().map(|run| run.count).sum();
    let share =
        |pick: fn(&Run) -> bool| cells.iter().filter(|run| pick(run)).map(|run| run.count).sum::<u32>() * 2 > all;
    let (bold, mono) = (share(|run| run.bold), share(|run| run.mono));
    Some(Line { text, rect, base: longest.base, size: longest.size, bold, mono, column, region, margin: false })
}
