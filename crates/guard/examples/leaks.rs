//! Does any forbidden word get through, however it is cut and written? Every word of a list × every split
//! position × encodings, through whole streams. Ends with one JSON line; `leaks` and `false_holds` must be 0.
//!
//! `cargo run --release -p yizhan-guard --example leaks [-- WORDS]` (10,000 unless said)
//!
//! A leak is a word whose characters are not all masked, or that reaches the caller. A false hold is text
//! before the word, which begins no word, that is not let go at once; or a word that is not let go once it is decided.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints and may stop")]

use futures_util::{FutureExt, StreamExt, stream};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::task::Poll;
use yizhan_guard::{Guard, RuleSet};
use yizhan_model::ChatEvent;

/// Begins no word of the list.
const BEFORE: &str = "〇〇";
const AFTER: &str = "〇";
const PAIRS: &str = include_str!("../src/simplified.txt");
const INVISIBLE: [char; 4] = ['\u{200b}', '\u{ad}', '\u{feff}', '\u{2060}'];

fn main() {
    let count = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let words = words(count);
    let mut set =
        RuleSet::parse("leaks", "rules: [{id: w, action: mask, match: {words_file: w, separators: true}}]").unwrap();
    set.attach("w", words.iter().cloned().collect::<Vec<_>>().join("\n"));
    let guard = Arc::new(Guard::new(&[set]).unwrap());
    let (mut cases, mut leaks, mut holds) = (0u64, 0u64, 0u64);
    for word in &words {
        let ends_early = ends_early(word, &words);
        for written in encodings(word) {
            let text = format!("{BEFORE}{written}{AFTER}");
            let marks = format!("{BEFORE}{}{AFTER}", "█".repeat(visible(&written)));
            for split in (1..text.len()).filter(|&at| text.is_char_boundary(at)) {
                cases += 1;
                let (first, second) = text.split_at(split);
                let (early, all) = run(&guard, first, second);
                leaks += u64::from(all != marks);
                holds += u64::from(early.len() < first.len().min(BEFORE.len()));
                let decided = split == text.len() - AFTER.len() && ends_early;
                holds += u64::from(decided && early.len() + AFTER.len() != marks.len());
            }
        }
    }
    println!("{}", serde_json::json!({"words": words.len(), "cases": cases, "leaks": leaks, "false_holds": holds}));
    std::process::exit(i32::from(leaks + holds > 0));
}

/// A word that is decided with its last character: no Latin edge that asks for a look ahead, and no end of it
/// begins another word of the list.
fn ends_early(word: &str, words: &BTreeSet<String>) -> bool {
    let leads_on = |(at, _): (usize, char)| {
        let end = &word[at..];
        words.range(end.to_owned()..).take(2).any(|next| next.starts_with(end) && next != end)
    };
    !word.is_ascii() && !word.char_indices().any(leads_on)
}

/// What is out after the first piece, and in the end.
fn run(guard: &Arc<Guard>, first: &str, second: &str) -> (String, String) {
    let mut pieces = VecDeque::from([Some(first.to_owned()), None, Some(second.to_owned())]);
    let upstream = stream::poll_fn(move |_| match pieces.pop_front() {
        Some(Some(piece)) => Poll::Ready(Some(Ok(ChatEvent::text(piece)))),
        // A pause between the pieces shows what is out by then.
        Some(None) => Poll::Pending,
        None => Poll::Ready(None),
    });
    let mut guarded = guard.output(Box::pin(upstream));
    let (mut early, mut all) = (String::new(), String::new());
    loop {
        match guarded.next().now_or_never() {
            None => early.clone_from(&all),
            Some(Some(event)) => {
                if let ChatEvent::Text { delta, .. } = event.unwrap() {
                    all += &delta;
                }
            }
            Some(None) => return (early, all),
        }
    }
}

/// Characters that are seen.
fn visible(text: &str) -> usize {
    text.chars().filter(|c| !INVISIBLE.contains(c)).count()
}

/// The ways to write a word that must make no difference.
fn encodings(word: &str) -> BTreeSet<String> {
    let wide = |c: char| if c.is_ascii_graphic() { char::from_u32(u32::from(c) + 0xFEE0).unwrap_or(c) } else { c };
    let old =
        |c: char| PAIRS.split_whitespace().find(|pair| pair.ends_with(c)).and_then(|p| p.chars().next()).unwrap_or(c);
    let between = |mark: &str| word.chars().map(String::from).collect::<Vec<_>>().join(mark);
    let hidden: String = word.chars().zip(INVISIBLE.into_iter().cycle()).flat_map(|(c, mark)| [c, mark]).collect();
    [
        word.to_owned(),
        word.to_uppercase(),
        word.chars().map(wide).collect(),
        word.to_uppercase().chars().map(wide).collect(),
        word.chars().map(old).collect(),
        hidden.trim_end_matches(INVISIBLE).to_owned(),
        between("-"),
        between(" "),
        between("\u{200b}*\u{feff}"),
    ]
    .into()
}

/// Words of two to five characters by a fixed rule, simplified and in lower case.
fn words(count: usize) -> BTreeSet<String> {
    let traditional: BTreeSet<char> = PAIRS.split_whitespace().filter_map(|pair| pair.chars().next()).collect();
    let mut state = 1u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let mut words = BTreeSet::new();
    while words.len() < count {
        let length = 2 + next() % 4;
        words.insert(if next() % 5 == 0 {
            (0..length + 2).map(|_| char::from(b'a' + (next() % 26) as u8)).collect()
        } else {
            let characters = std::iter::repeat_with(|| char::from_u32(0x4E00 + next() % 3_000)).flatten();
            characters.filter(|c| !traditional.contains(c)).take(length as usize).collect::<String>()
        });
    }
    words
}
