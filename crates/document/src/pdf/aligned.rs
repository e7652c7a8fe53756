//! Tables without lines: rows whose cells stand in the same columns.
//!
//! It does not know ruled tables, whose text never comes here.

use super::grid::cell_text;
use super::line::Cells;
use super::run::Run;
use crate::list;
use crate::table::Row;

/// So many rows with two cells or more make a table.
const LEAST_ROWS: usize = 3;
/// Rows further apart than this many times the size belong to different things.
const LEADING: f32 = 2.4;

/// The table that begins with the first of these rows: how many rows it takes, and its rows.
pub(super) fn table(rows: &[Cells], page: u32) -> Option<(usize, Vec<Row>)> {
    if !is_row(rows.first()?) {
        return None;
    }
    let mut columns: Vec<[f32; 2]> = Vec::new();
    let (mut length, mut full) = (0, 0);
    let mut previous: Option<&Run> = None;
    for row in rows {
        let first = row.first()?;
        if previous.is_some_and(|previous| first.base - previous.base > LEADING * first.size.max(previous.size)) {
            break;
        }
        let Some(wider) = widen(&columns, row) else { break };
        columns = wider;
        full += usize::from(is_row(row));
        length += 1;
        previous = Some(first);
    }
    // A line after the table is none of its cells.
    while length > 0 && !is_row(&rows[length - 1]) {
        length -= 1;
    }
    let is_table = full >= LEAST_ROWS && full * 10 >= length * 6 && columns.len() >= 2;
    if !is_table || is_list(&rows[..length]) {
        return None;
    }
    Some((length, fill(&rows[..length], &columns, page)))
}

fn is_row(row: &[Run]) -> bool {
    row.len() >= 2 && row.iter().all(|run| !run.mono && !run.text.is_empty())
}

/// The columns with this row's cells in them; none when two cells would fall into one column or a
/// cell would bridge two.
fn widen(columns: &[[f32; 2]], row: &[Run]) -> Option<Vec<[f32; 2]>> {
    if row.iter().any(|run| run.mono || run.text.is_empty()) {
        return None;
    }
    let mut columns = columns.to_vec();
    let mut taken = Vec::new();
    for run in row {
        let [left, _, right, _] = run.rect.0;
        let hits: Vec<usize> =
            (0..columns.len()).filter(|&at| columns[at][0] < right && left < columns[at][1]).collect();
        match hits.as_slice() {
            [] if row.len() == 1 => return None,
            [] => columns.push([left, right]),
            [at] if !taken.contains(at) => {
                columns[*at] = [columns[*at][0].min(left), columns[*at][1].max(right)];
                taken.push(*at);
            }
            _ => return None,
        }
    }
    columns.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let apart = columns.windows(2).all(|pair| pair[0][1] < pair[1][0]);
    apart.then_some(columns)
}

/// Markers with a wide gap behind them are a list, not a table.
fn is_list(rows: &[Cells]) -> bool {
    let markers = rows.iter().filter(|row| row.first().is_some_and(|run| list::is_marker(&run.text))).count();
    markers * 2 > rows.len() && rows.iter().all(|row| row.len() <= 2)
}

fn fill(rows: &[Cells], columns: &[[f32; 2]], page: u32) -> Vec<Row> {
    let mut table: Vec<Vec<Vec<Run>>> = Vec::new();
    for row in rows {
        let at = |run: &Run| columns.iter().position(|column| run.rect.0[0] < column[1]).unwrap_or(columns.len() - 1);
        // A lone cell that is not the first continues the cell above it.
        let continues = row.len() == 1 && row.first().is_some_and(|run| at(run) > 0);
        if !continues || table.is_empty() {
            table.push(vec![Vec::new(); columns.len()]);
        }
        if let Some(cells) = table.last_mut() {
            for run in row {
                cells[at(run)].push(run.clone());
            }
        }
    }
    table.into_iter().map(|cells| to_row(cells, page)).collect()
}

fn to_row(cells: Vec<Vec<Run>>, page: u32) -> Row {
    let rect = cells.iter().flatten().map(|run| run.rect).reduce(|a, b| a.union(b));
    Row { cells: cells.into_iter().map(cell_text).collect(), page: Some(page), rect }
}
