//! The bookmarks of a document, which name its headings.
//!
//! It does not know lines' sizes; `heading` combines both.

use super::ffi::Handle;
use super::library::{Document, wide_text};
use std::collections::{HashMap, HashSet};
use std::ptr::null_mut;

/// More bookmarks than this are not read.
const MOST: usize = 20_000;
const DEEPEST: u8 = 12;

/// Bookmarks by page index: normalised title and level from 1.
#[derive(Default)]
pub(super) struct Outline {
    by_page: HashMap<u32, Vec<(String, u8)>>,
}

impl Outline {
    /// The level of the bookmark that points to this page (from 1) and has this text as its title.
    pub(super) fn level(&self, page: u32, text: &str) -> Option<u8> {
        let text = normal(text);
        let titles = self.by_page.get(&page.checked_sub(1)?)?;
        titles.iter().find(|(title, _)| is_title(&text, title)).map(|(_, level)| *level)
    }

    /// Whether a title on this page begins with this text and goes on.
    pub(super) fn begins(&self, page: u32, text: &str) -> bool {
        let text = normal(text);
        let Some(titles) = page.checked_sub(1).and_then(|index| self.by_page.get(&index)) else { return false };
        text.chars().count() >= 4
            && titles.iter().any(|(title, _)| title.len() > text.len() && title.starts_with(&text))
    }

    #[cfg(test)]
    pub(super) fn of(entries: &[(u32, &str, u8)]) -> Self {
        let mut outline = Self::default();
        for (page, title, level) in entries {
            outline.by_page.entry(page - 1).or_default().push((normal(title), *level));
        }
        outline
    }
}

/// The same, or one of them with a number in front.
fn is_title(text: &str, title: &str) -> bool {
    let numbered =
        |long: &str, short: &str| short.chars().count() >= 2 && long.strip_suffix(short).is_some_and(is_number);
    text == title || numbered(text, title) || numbered(title, text)
}

/// `2.1.3`, `第一章`, `Chapter 7`, `A.`…
fn is_number(text: &str) -> bool {
    let words = ["chapter", "appendix", "section", "part", "第", "章", "节", "篇", "部分", "附录"];
    let bare = words.iter().fold(text.to_owned(), |text, word| text.replace(word, ""));
    bare.chars().count() <= 12
        && bare.chars().all(|ch| {
            ch.is_ascii_digit()
                || ".:-、．：".contains(ch)
                || "一二三四五六七八九十百".contains(ch)
                || ch.is_ascii_alphabetic()
        })
        && bare.chars().filter(char::is_ascii_alphabetic).count() <= 4
}

fn normal(text: &str) -> String {
    text.chars().filter(|ch| !ch.is_whitespace()).flat_map(char::to_lowercase).collect()
}

impl Document<'_> {
    /// The bookmarks; broken and circular ones are passed over.
    pub(super) fn outline(&self) -> Outline {
        let mut outline = Outline::default();
        let mut seen = HashSet::new();
        self.bookmarks(null_mut(), 1, &mut seen, &mut outline);
        outline
    }

    fn bookmarks(&self, parent: Handle, level: u8, seen: &mut HashSet<Handle>, outline: &mut Outline) {
        let f = self.f;
        // SAFETY: the document is open; null means the root.
        let mut bookmark = unsafe { (f.FPDFBookmark_GetFirstChild)(self.handle, parent) };
        while !bookmark.is_null() && seen.len() < MOST && seen.insert(bookmark) {
            let title = wide_text(|buffer, length| {
                // SAFETY: the bookmark belongs to the open document, the buffer holds `length` bytes.
                unsafe { (f.FPDFBookmark_GetTitle)(bookmark, buffer, length) }
            });
            let title = normal(&title);
            if let (Some(page), false) = (self.target(bookmark), title.is_empty()) {
                outline.by_page.entry(page).or_default().push((title, level));
            }
            if level < DEEPEST {
                self.bookmarks(bookmark, level + 1, seen, outline);
            }
            // SAFETY: as above.
            bookmark = unsafe { (f.FPDFBookmark_GetNextSibling)(self.handle, bookmark) };
        }
    }

    fn target(&self, bookmark: Handle) -> Option<u32> {
        let f = self.f;
        // SAFETY: the bookmark belongs to the open document; null is answered with null or -1.
        let index = unsafe {
            let mut destination = (f.FPDFBookmark_GetDest)(self.handle, bookmark);
            if destination.is_null() {
                let action = (f.FPDFBookmark_GetAction)(bookmark);
                if action.is_null() {
                    return None;
                }
                destination = (f.FPDFAction_GetDest)(self.handle, action);
            }
            if destination.is_null() {
                return None;
            }
            (f.FPDFDest_GetDestPageIndex)(self.handle, destination)
        };
        u32::try_from(index).ok()
    }
}

#[cfg(test)]
#[path = "outline_tests.rs"]
mod tests;
