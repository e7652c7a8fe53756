//! Which lines are headings, and of which level: bookmarks first, sizes and weight second.
//!
//! It does not know pages' layout.

use super::layout::Item;
use super::line::Line;
use super::margin::PageItems;
use super::outline::Outline;
use crate::list;
use std::collections::BTreeMap;

/// A heading is at least this many times as large as the body.
const LARGER: f32 = 1.12;
/// And has at most this many characters.
const LONGEST: usize = 120;

/// What the whole document says about its headings.
pub(super) struct Headings {
    outline: Outline,
    /// The body's size.
    body: f32,
    /// Sizes in tenths of a point to levels.
    levels: BTreeMap<u32, u8>,
    /// The level of bold lines in the body's size; none where bookmarks name the headings.
    bold_level: Option<u8>,
}

impl Headings {
    /// Looks at all pages once.
    pub(super) fn new(pages: &[PageItems], outline: Outline) -> Self {
        let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
        let mut marked: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        let mut count = 0usize;
        for (page, line) in pages.iter().flat_map(|page| lines(page).map(move |line| (page.number, line))) {
            count += line.text.len();
            *sizes.entry(tenths(line.size)).or_default() += line.text.len();
            if let Some(level) = outline.level(page, &line.text) {
                marked.entry(tenths(line.size)).or_default().push(level);
            }
        }
        let body = sizes.iter().max_by_key(|(_, count)| **count).map_or(10.0, |(size, _)| *size as f32 / 10.0);
        let large = |size: u32| size as f32 >= body * 10.0 * LARGER;
        let named = marked.values().map(Vec::len).sum::<usize>() >= 3;
        let levels: BTreeMap<u32, u8> = if named {
            marked
                .iter_mut()
                .filter(|(size, _)| large(**size))
                .map(|(size, levels)| (*size, middling(levels)))
                .collect()
        } else {
            // A size that fills pages is a body of its own, not a heading's.
            let heads = sizes.iter().rev().filter(|(size, text)| large(**size) && **text * 5 < count.max(1));
            heads.zip(1u8..=5).map(|((size, _), level)| (*size, level)).collect()
        };
        let deepest = levels.values().max().map_or(1, |level| level.saturating_add(1)).min(6);
        let bold_level = (!named).then_some(deepest);
        Self { outline, body, levels, bold_level }
    }

    /// Whether the line's size alone makes it one.
    pub(super) fn is_large(&self, line: &Line) -> bool {
        line.size >= self.body * LARGER && is_short(&line.text)
    }

    /// The level of a heading with this text, made of lines like `line`.
    pub(super) fn level(&self, page: u32, text: &str, line: &Line, alone: bool) -> Option<u8> {
        if let Some(level) = self.outline.level(page, text) {
            return Some(level.min(6));
        }
        let has_letter = text.chars().any(char::is_alphabetic);
        if !has_letter || !is_short(text) || line.mono {
            return None;
        }
        if self.is_large(line) {
            return self.nearest(tenths(line.size));
        }
        let titled = alone && line.bold && !ends_like_prose(text) && list::marker_length(text).is_none();
        self.bold_level.filter(|_| titled)
    }

    /// Whether a bookmark's title begins with this text and goes on in the next line.
    pub(super) fn is_begun(&self, page: u32, text: &str) -> bool {
        self.outline.begins(page, text)
    }

    /// The level of the nearest size that has one.
    fn nearest(&self, size: u32) -> Option<u8> {
        self.levels.iter().min_by_key(|(known, _)| known.abs_diff(size)).map(|(_, level)| *level)
    }
}

fn lines(page: &PageItems) -> impl Iterator<Item = &Line> {
    page.items.iter().filter_map(|item| match item {
        Item::Line(line) if !line.margin => Some(line),
        _ => None,
    })
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= LONGEST
}

fn ends_like_prose(text: &str) -> bool {
    text.ends_with(['.', '。', '，', ',', ';', '；', ':', '：', '、', '!', '！', '？', '?'])
}

fn tenths(size: f32) -> u32 {
    (size * 10.0).round().clamp(0.0, 1.0e6) as u32
}

fn middling(levels: &mut [u8]) -> u8 {
    levels.sort_unstable();
    levels.get(levels.len() / 2).copied().unwrap_or(1).min(6)
}
