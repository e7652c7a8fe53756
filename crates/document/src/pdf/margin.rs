//! Page headers and footers: lines that come back at the same height on page after page.
//!
//! It does not remove them: it marks them, so that they end no paragraph and nothing is lost.

use super::layout::Item;
use super::line::Line;
use std::collections::HashMap;

/// Only this part of the page at the top and at the bottom holds headers and footers.
const ZONE: f32 = 0.12;
/// So many pages within so many before and behind must have the line, digits apart.
const LEAST_PAGES: usize = 3;
const WINDOW: u32 = 4;

/// Headers and footers have at most this many lines; text further in is the body's.
const OUTERMOST: usize = 2;

/// A page's items with its number and height.
pub(crate) struct PageItems {
    pub(crate) number: u32,
    pub(crate) height: f32,
    pub(crate) items: Vec<Item>,
}

/// Marks headers and footers of all pages.
pub(super) fn mark(pages: &mut [PageItems]) {
    let mut seen: HashMap<(String, i32), Vec<u32>> = HashMap::new();
    for page in pages.iter() {
        let edges = edges(page);
        for key in lines(&page.items).filter_map(|line| key(line, edges)) {
            let numbers = seen.entry(key).or_default();
            if numbers.last() != Some(&page.number) {
                numbers.push(page.number);
            }
        }
    }
    for page in pages {
        let (number, edges) = (page.number, edges(page));
        for item in &mut page.items {
            if let Item::Line(line) = item {
                let pages = key(line, edges).and_then(|key| seen.get(&key));
                line.margin = pages.is_some_and(|pages| recurs(pages, number));
            }
        }
    }
}

fn recurs(pages: &[u32], number: u32) -> bool {
    let from = pages.partition_point(|&page| page + WINDOW < number);
    pages[from..].iter().take_while(|&&page| page <= number + WINDOW).count() >= LEAST_PAGES
}

fn lines(items: &[Item]) -> impl Iterator<Item = &Line> {
    items.iter().filter_map(|item| match item {
        Item::Line(line) => Some(line),
        Item::Table(_) => None,
    })
}

/// The lowest baseline that a header may have and the highest of a footer.
fn edges(page: &PageItems) -> (f32, f32) {
    let mut bases: Vec<f32> = lines(&page.items).map(|line| line.base).collect();
    bases.sort_by(f32::total_cmp);
    bases.dedup_by(|next, first| *next - *first < 3.0);
    let top = bases.get(OUTERMOST - 1).or(bases.last()).copied().unwrap_or(0.0);
    let bottom = bases.len().checked_sub(OUTERMOST).and_then(|at| bases.get(at)).copied().unwrap_or(0.0);
    (top.min(page.height * ZONE) + 3.0, bottom.max(page.height * (1.0 - ZONE)) - 3.0)
}

/// The text with digits made equal, and the height in steps of a few points; none in the body.
fn key(line: &Line, (top, bottom): (f32, f32)) -> Option<(String, i32)> {
    if (line.base > top && line.base < bottom) || line.text.chars().count() > 120 {
        return None;
    }
    let mut text = String::new();
    for ch in line.text.chars().filter(|ch| !ch.is_whitespace()) {
        let ch = if ch.is_ascii_digit() { '#' } else { ch };
        if !(ch == '#' && text.ends_with('#')) {
            text.push(ch);
        }
    }
    Some((text, (line.base / 4.0).round() as i32))
}
