//! Where a page has columns: a white gutter with running text on both sides.
//!
//! Tables have gutters too. What tells them apart is the content's own order (a writer finishes a
//! column before the next, but goes through a table row by row) and how full the lines are.

use super::line::Cells;
use super::run::Run;

/// So many rows must stand on each side of a gutter.
const LEAST_ROWS: usize = 3;
/// A gutter's least width in points, and in sizes.
const LEAST_WIDTH: f32 = 6.0;
const LEAST_EMS: f32 = 0.7;

/// Rows that stand in two columns (the right one may be cut again).
pub(super) struct Band {
    /// How many rows, from the first.
    pub(super) rows: usize,
    /// The gutter's middle.
    pub(super) middle: f32,
}

/// A stretch of the page that no run of the band crosses.
#[derive(Clone, Copy)]
struct Gutter {
    from: f32,
    to: f32,
    left: usize,
    right: usize,
}

impl Gutter {
    fn is_flanked(&self) -> bool {
        self.left >= LEAST_ROWS && self.right >= LEAST_ROWS
    }
}

/// The columns that begin with the first of these rows, if any do.
pub(super) fn band(rows: &[Cells]) -> Option<Band> {
    let left = rows.iter().flatten().map(|run| run.rect.0[0]).reduce(f32::min)?;
    let right = rows.iter().flatten().map(|run| run.rect.0[2]).reduce(f32::max)?;
    let mut gutters = vec![Gutter { from: left, to: right, left: 0, right: 0 }];
    let mut length = 0;
    for row in rows {
        let next: Vec<Gutter> = gutters.iter().flat_map(|gutter| cut(gutter, row)).collect();
        let lost = gutters.iter().any(|gutter| {
            gutter.is_flanked() && !next.iter().any(|child| child.from >= gutter.from && child.to <= gutter.to)
        });
        if next.is_empty() || lost {
            break;
        }
        gutters = next;
        length += 1;
    }
    let best =
        gutters.into_iter().filter(Gutter::is_flanked).max_by(|a, b| (a.to - a.from).total_cmp(&(b.to - b.from)))?;
    let band = Band { rows: length, middle: (best.from + best.to) / 2.0 };
    is_running_text(&rows[..length], &band, right - left).then_some(band)
}

/// What a row leaves of a gutter: the parts between its runs that are wide enough.
fn cut(gutter: &Gutter, row: &[Run]) -> Vec<Gutter> {
    let mut parts = Vec::new();
    let mut from = gutter.from;
    let size = row.iter().map(|run| run.size).fold(0.0, f32::max);
    let least = LEAST_WIDTH.max(LEAST_EMS * size);
    let mut add = |from: f32, to: f32| {
        if to - from >= least {
            let left = usize::from(row.iter().any(|run| run.rect.0[2] <= from + 0.01));
            let right = usize::from(row.iter().any(|run| run.rect.0[0] >= to - 0.01));
            parts.push(Gutter { from, to, left: gutter.left + left, right: gutter.right + right });
        }
    };
    for run in row {
        let [start, _, end, _] = run.rect.0;
        if end <= from || start >= gutter.to {
            continue;
        }
        add(from, start);
        from = from.max(end);
    }
    add(from, gutter.to);
    parts
}

fn is_running_text(rows: &[Cells], band: &Band, width: f32) -> bool {
    let is_left = |run: &Run| run.rect.0[2] <= band.middle;
    let mut in_order: Vec<(usize, bool)> = rows.iter().flatten().map(|run| (run.order, is_left(run))).collect();
    in_order.sort_unstable();
    let turns = in_order.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    let facing = rows.iter().filter(|row| row.iter().any(is_left) && !row.iter().all(is_left)).count();
    let sides = [side(rows, is_left), side(rows, |run| !is_left(run))];
    let by_columns = turns <= 3 || turns * 2 < facing;
    if by_columns {
        // A table written column by column has short cells.
        sides.iter().all(|side| side.ems >= 5.0)
    } else {
        sides.iter().all(|side| side.ems >= 12.0 && side.fill >= 0.7 && side.width >= 0.25 * width) && facing >= 5
    }
}

/// One side of a gutter: its width, how far its middling row fills it, and that row's width in sizes.
struct Side {
    width: f32,
    fill: f32,
    ems: f32,
}

fn side(rows: &[Cells], belongs: impl Fn(&Run) -> bool) -> Side {
    let mut widths = Vec::new();
    let (mut left, mut right, mut size) = (f32::MAX, f32::MIN, 1.0f32);
    for row in rows {
        let own: Vec<&Run> = row.iter().filter(|run| belongs(run)).collect();
        if let (Some(first), Some(last)) = (own.first(), own.last()) {
            widths.push(last.rect.0[2] - first.rect.0[0]);
            left = left.min(first.rect.0[0]);
            right = right.max(last.rect.0[2]);
            size = size.max(first.size);
        }
    }
    widths.sort_by(f32::total_cmp);
    let middling = widths.get(widths.len() / 2).copied().unwrap_or(0.0);
    let width = (right - left).max(1.0);
    Side { width, fill: middling / width, ems: middling / size }
}
