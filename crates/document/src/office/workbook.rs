//! Spreadsheets: each sheet is a page and a table, cut into blocks that repeat the header.
//!
//! It does not compute: formulas show the value that was saved.

use super::cell_format::show;
use crate::archive::Archive;
use crate::fault::{damaged, unreadable};
use crate::parsed::{BlockKind, Parsed};
use crate::table::{Row, table_blocks};
use crate::tools::Bounds;
use calamine::{Data, DataRef, Reader, Sheets, Xlsx, open_workbook_auto_from_rs};
use std::collections::BTreeMap;
use std::io::Cursor;
use yizhan_domain::Result;

/// Rows go into blocks of about this many bytes.
const BLOCK_BYTES: usize = 2 << 10;
/// A row's cells further right than this are not a table's.
const MOST_COLUMNS: u32 = 1000;
/// Cells of one workbook.
const MOST_CELLS: usize = 5_000_000;

/// Filled cells by row, then column.
type Cells = BTreeMap<u32, BTreeMap<u32, String>>;

/// The sheets of a workbook: .xlsx, .xlsm, .xlsb, .xls or .ods.
pub(crate) fn parse(bytes: &[u8], bounds: &Bounds) -> Result<Parsed> {
    if bytes.starts_with(b"PK") {
        Archive::open(bytes, bounds)?.check()?;
    }
    let broken = |error: calamine::Error| match error.to_string() {
        text if text.to_lowercase().contains("password") => {
            unreadable("it is encrypted; save it without a password and add it again.")
        }
        text => damaged("the workbook", text),
    };
    let mut workbook = open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(broken)?;
    let names = workbook.sheet_names();
    let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
    if count > bounds.pages {
        return Err(unreadable(format!("it has {count} sheets; the limit is {}. Split it.", bounds.pages)));
    }
    let mut parsed = Parsed { pages: Some(count), ..Parsed::default() };
    let mut left = MOST_CELLS;
    for (number, name) in (1u32..).zip(&names) {
        let cells = match &mut workbook {
            Sheets::Xlsx(workbook) => stream(workbook, name, &mut left),
            workbook => dense(workbook, name, &mut left),
        };
        match cells {
            Ok(cells) => push_sheet(&mut parsed, number, name, cells),
            Err(reason) => parsed.warnings.push(format!("sheet '{name}' cannot be read: {reason}")),
        }
    }
    Ok(parsed)
}

/// Cell by cell: a sheet with a lone cell in its last corner costs nothing.
fn stream(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str, left: &mut usize) -> std::result::Result<Cells, String> {
    let mut reader = workbook.worksheet_cells_reader(name).map_err(|error| error.to_string())?;
    let mut cells = Cells::new();
    while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(|error| error.to_string())? {
        let (row, column) = cell.get_position();
        if matches!(cell.get_value(), DataRef::Empty) || column > MOST_COLUMNS {
            continue;
        }
        *left = left.checked_sub(1).ok_or("the workbook has too many cells")?;
        let format = reader.styles().get(style).and_then(|style| style.number_format.as_ref());
        let text = show(cell.get_value(), format.map(|format| format.format_code.as_str()));
        cells.entry(row).or_default().insert(column, text);
    }
    Ok(cells)
}

fn dense(workbook: &mut Sheets<Cursor<&[u8]>>, name: &str, left: &mut usize) -> std::result::Result<Cells, String> {
    let range = workbook.worksheet_range(name).map_err(|error| error.to_string())?;
    let (top, side) = range.start().unwrap_or((0, 0));
    let mut cells = Cells::new();
    for (row, column, data) in range.used_cells() {
        let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(column)) else { continue };
        if column > MOST_COLUMNS {
            continue;
        }
        *left = left.checked_sub(1).ok_or("the workbook has too many cells")?;
        cells
            .entry(row.saturating_add(top))
            .or_default()
            .insert(column.saturating_add(side), show(&to_ref(data), None));
    }
    Ok(cells)
}

fn to_ref(data: &Data) -> DataRef<'_> {
    match data {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(value) => DataRef::SharedString(value),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::DateTimeIso(value) | Data::DurationIso(value) => DataRef::SharedString(value),
        Data::Error(value) => DataRef::Error(value.clone()),
        Data::Empty => DataRef::Empty,
    }
}

/// The sheet's name as a heading, lone cells as paragraphs, and a table for each block of rows.
fn push_sheet(parsed: &mut Parsed, number: u32, name: &str, cells: Cells) {
    if cells.is_empty() {
        return;
    }
    parsed.push(BlockKind::Heading { level: 1 }, name, Some(number));
    let mut area: Vec<BTreeMap<u32, String>> = Vec::new();
    let mut last = None;
    for (row, cells) in cells {
        if last.is_some_and(|last| row > last + 1) {
            push_area(parsed, number, std::mem::take(&mut area));
        }
        last = Some(row);
        area.push(cells);
    }
    push_area(parsed, number, area);
}

/// Rows that follow on each other: titles above the table, then the table.
fn push_area(parsed: &mut Parsed, number: u32, mut rows: Vec<BTreeMap<u32, String>>) {
    let titles = rows.iter().take_while(|row| row.len() == 1).count();
    for row in rows.drain(..titles) {
        row.into_values().for_each(|text| parsed.push(BlockKind::Paragraph, text, Some(number)));
    }
    let columns: Vec<u32> =
        rows.iter().flat_map(BTreeMap::keys).copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let mut rows = rows.into_iter().map(|mut row| {
        let cells = columns.iter().map(|column| row.remove(column).unwrap_or_default()).collect();
        Row::plain(cells, Some(number))
    });
    if let Some(header) = rows.next() {
        parsed.blocks.extend(table_blocks(header, rows.collect(), BLOCK_BYTES));
    }
}
