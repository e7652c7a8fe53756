//! Words that a line's end has broken: whether the hyphen goes or stays.
//!
//! It does not know a dictionary: the document's own other words decide.

use super::layout::Item;
use super::margin::PageItems;
use std::collections::HashSet;

/// What the document knows about its words.
#[derive(Default)]
pub(super) struct Hyphens {
    words: HashSet<String>,
    /// Most of the breaks that could be judged were hyphenation.
    hyphenates: bool,
}

impl Hyphens {
    /// Looks at all lines once.
    pub(super) fn new(pages: &[PageItems]) -> Self {
        let lines: Vec<&str> = pages.iter().flat_map(|page| &page.items).filter_map(text).collect();
        if !lines.iter().any(|line| broken_tail(line).is_some()) {
            return Self::default();
        }
        let words = lines.iter().flat_map(|line| words(line)).map(str::to_lowercase).collect();
        let mut hyphens = Self { words, hyphenates: false };
        let judged = lines.windows(2).filter_map(|pair| {
            let (tail, head) = (broken_tail(pair[0])?, head(pair[1])?);
            hyphens.judge(tail, head)
        });
        let score: i32 = judged.map(|goes| if goes { 1 } else { -1 }).sum();
        hyphens.hyphenates = score > 0;
        hyphens
    }

    /// Whether the hyphen at the end of `before` goes when `after` follows in the same paragraph.
    pub(super) fn goes(&self, before: &str, after: &str) -> bool {
        let (Some(tail), Some(head)) = (broken_tail(before), head(after)) else { return false };
        self.judge(tail, head).unwrap_or(self.hyphenates && !tail.contains('-'))
    }

    fn judge(&self, tail: &str, head: &str) -> Option<bool> {
        let known = |word: String| self.words.contains(&word.to_lowercase());
        if known(format!("{tail}-{head}")) {
            Some(false)
        } else if known(format!("{tail}{head}")) {
            Some(true)
        } else {
            None
        }
    }
}

fn text(item: &Item) -> Option<&str> {
    match item {
        Item::Line(line) if !line.margin && !line.mono => Some(&line.text),
        _ => None,
    }
}

/// A line's words, without the last one where it is broken.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let whole = broken_tail(line).map_or(line, |tail| &line[..line.len() - tail.len() - 1]);
    whole.split(|ch: char| !(ch.is_ascii_alphabetic() || ch == '-')).filter(|word| word.len() > 3)
}

/// The broken word's first part, where the line ends with a hyphen after a letter.
fn broken_tail(line: &str) -> Option<&str> {
    let body = line.strip_suffix('-')?;
    let length = body.bytes().rev().take_while(|byte| byte.is_ascii_alphabetic() || *byte == b'-').count();
    let tail = &body[body.len() - length..];
    (tail.len() >= 2 && tail.ends_with(|ch: char| ch.is_ascii_lowercase())).then_some(tail)
}

/// The broken word's second part: lower-case letters at the line's start.
fn head(line: &str) -> Option<&str> {
    let end = line.find(|ch: char| !(ch.is_ascii_alphabetic() || ch == '-')).unwrap_or(line.len());
    let head = line[..end].trim_end_matches('-');
    (head.len() >= 2 && head.starts_with(|ch: char| ch.is_ascii_lowercase())).then_some(head)
}
