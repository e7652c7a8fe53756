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
        for key in lines(&page.items).filter_map(|line| key(line, page.height)) {
            let numbers = seen.entry(key).or_default();
            if numbers.last() != Some(&page.number) {
                numbers.push(page.number);
            }
        }
    }
    for page in pages {
        let (number, height) = (page.number, page.height);
        for item in &mut page.items {
            if let Item::Line(line) = item {
                let pages = key(line, height).and_then(|key| seen.get(&key));
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

/// The text with digits made equal, and the height in steps of a few points; none outside the zones.
fn key(line: &Line, height: f32) -> Option<(String, i32)> {
    let [_, top, _, bottom] = line.rect.0;
    let near = bottom < height * ZONE || top > height * (1.0 - ZONE);
    if !near || line.text.chars().count() > 120 {
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
