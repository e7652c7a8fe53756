//! One page: its glyphs and lines to items in reading order.
//!
//! It does not know the other pages.

use super::glyph::{Glyph, Styles};
use super::grid::{Grid, grids};
use super::layout::{Item, Ruled, layout};
use super::library::Page;
use super::line::line;
use super::margin::PageItems;
use super::run::{Run, runs};
use yizhan_domain::Rect;

/// Bits of a zone that number the cell; the rest number the table.
const CELL_BITS: u32 = 18;

/// What a page says, or nothing where it has no text at all.
pub(super) fn items(page: &mut Page<'_>, number: u32, styles: &mut Styles) -> Option<PageItems> {
    let (_, height) = page.frame.size();
    let mut glyphs = page.glyphs(styles);
    if glyphs.iter().all(|glyph| glyph.ch.is_whitespace()) {
        return None;
    }
    let turns = direction(&glyphs);
    if turns != 0 {
        page.frame = page.frame.turned(4 - i32::from(turns));
        glyphs = page.glyphs(styles);
    }
    let grids = grids(&page.rulings());
    let mut items = arrange(&glyphs, styles, &grids, number);
    if turns != 0 {
        let size = page.frame.size();
        items.iter_mut().for_each(|item| turn(item, turns, size));
    }
    Some(PageItems { number, height, items })
}

/// The direction in which most of the text runs.
fn direction(glyphs: &[Glyph]) -> u8 {
    let mut counts = [0usize; 4];
    for direction in glyphs.iter().filter_map(|glyph| glyph.direction) {
        counts[usize::from(direction) % 4] += 1;
    }
    (0..4u8).max_by_key(|&direction| (counts[usize::from(direction)], direction == 0)).unwrap_or(0)
}

fn arrange(glyphs: &[Glyph], styles: &Styles, grids: &[Grid], number: u32) -> Vec<Item> {
    let zone = |glyph: &Glyph| {
        let [left, top, right, bottom] = glyph.rect.0;
        let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
        (0u32..).zip(grids).find_map(|(table, grid)| Some(table << CELL_BITS | grid.cell_at(x, y)?))
    };
    let (mut plain, mut aslant) = (Vec::new(), Vec::new());
    let mut cells: Vec<Vec<Run>> = vec![Vec::new(); grids.len()];
    for mut run in runs(glyphs, styles, zone) {
        match run.zone {
            Some(zone) if run.direction == Some(0) => {
                run.zone = Some(zone & ((1 << CELL_BITS) - 1));
                if let Some(cells) = cells.get_mut((zone >> CELL_BITS) as usize) {
                    cells.push(run);
                }
            }
            _ if run.direction == Some(0) => plain.push(run),
            _ => aslant.push(run),
        }
    }
    let mut tables = Vec::new();
    for (grid, cells) in grids.iter().zip(cells) {
        let order = cells.iter().map(|run| run.order).min().unwrap_or(usize::MAX);
        let rows = grid.fill(cells.clone(), number);
        let filled = rows.iter().flat_map(|row| &row.cells).filter(|cell| !cell.is_empty()).count();
        // A drawing of boxes with a few words is not a table.
        if rows.len() >= 2
            && filled >= 3
            && rows.iter().any(|row| row.cells.iter().filter(|cell| !cell.is_empty()).count() >= 2)
        {
            tables.push(Ruled { rect: grid.rect, rows, order });
        } else {
            plain.extend(cells.into_iter().map(|run| Run { zone: None, ..run }));
        }
    }
    let mut items = layout(plain, tables, number);
    // Watermarks and sideways notes come last, each line on its own.
    items.extend(aslant.iter().filter_map(|run| {
        let [left, _, right, _] = run.rect.0;
        line(std::slice::from_ref(run), [left, right], u32::MAX).map(Item::Line)
    }));
    items
}

/// Turns an item's boxes back to how the page is shown.
fn turn(item: &mut Item, turns: u8, size: (f32, f32)) {
    match item {
        Item::Line(line) => line.rect = turned(line.rect, turns, size),
        Item::Table(rows) => {
            for row in rows {
                row.rect = row.rect.map(|rect| turned(rect, turns, size));
            }
        }
    }
}

/// A box after so many quarter turns clockwise of a page of this size.
fn turned(rect: Rect, turns: u8, (width, height): (f32, f32)) -> Rect {
    let [left, top, right, bottom] = rect.0;
    match turns % 4 {
        0 => rect,
        1 => Rect([height - bottom, left, height - top, right]),
        2 => Rect([width - right, height - bottom, width - left, height - top]),
        _ => Rect([top, width - right, bottom, width - left]),
    }
}
