//! What guarding one stream costs: processor time of 64 chunks of about five tokens with 10,000 words and
//! personal data, beside the same stream without rules. Ends with one JSON line.
//!
//! `cargo run --release -p yizhan-guard --example guard_cost [-- --packs]`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints and may stop")]

use futures_util::{FutureExt, StreamExt, stream};
use std::sync::Arc;
use yizhan_domain::{FinishReason, Usage};
use yizhan_guard::{Guard, RuleSet};
use yizhan_model::{ChatEvent, EventStream};

const ROUNDS: u32 = 2_000;

fn main() {
    let packs = std::env::args().any(|argument| argument == "--packs");
    let head = if packs { "packs: [pii, injection, finance, medical]" } else { "packs: [pii]" };
    let mut set = RuleSet::parse(
        "guard_cost",
        &format!("{head}\nrules:\n  - {{id: words, action: mask, match: {{words_file: words, separators: true}}}}\n"),
    )
    .unwrap();
    set.attach("words", words(10_000).join("\n"));
    let before = cpu();
    let guard = Arc::new(Guard::new(&[set]).unwrap());
    let load_ms = (cpu() - before) * 1e3;
    let none = Arc::new(Guard::new(&[]).unwrap());
    let chinese =
        chunks("根据贵公司二零二三年的年度报告，营业收入为人民币4.5亿元，较上年增长12%。我们认为这一结果好于预期，", 8);
    let english =
        chunks("The quarterly report of 2023 shows revenue of 4.5 million, which is 12% more than last year, and ", 22);
    let figure = |text: &[String]| {
        let bare = measure(&none, text);
        let guarded = measure(&guard, text);
        (guarded - bare, bare)
    };
    let ((zh, bare), (en, _)) = (figure(&chinese), figure(&english));
    println!(
        "{}",
        serde_json::json!({"chunks": 64, "words": 10_000, "packs": packs, "load_ms": round(load_ms),
            "guard_us_stream64_zh": round(zh), "guard_us_stream64_en": round(en), "bare_us_stream64": round(bare)})
    );
}

fn round(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

/// Words of two to five characters that a plain answer does not hold, by a fixed rule.
fn words(count: u32) -> Vec<String> {
    let mut state = 1u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    (0..count)
        .map(|i| {
            let length = 2 + next() % 4;
            if i % 5 == 0 {
                (0..length + 3).map(|_| char::from(b'a' + (next() % 26) as u8)).collect()
            } else {
                (0..length).filter_map(|_| char::from_u32(0x4E00 + next() % 3_000)).collect()
            }
        })
        .collect()
}

/// 64 pieces of so many characters.
fn chunks(text: &str, length: usize) -> Vec<String> {
    let mut characters = text.chars().cycle();
    (0..64).map(|_| characters.by_ref().take(length).collect()).collect()
}

fn events(chunks: &[String]) -> EventStream {
    let pieces = chunks.iter().cloned().map(ChatEvent::text);
    let end = [ChatEvent::finish(FinishReason::Stop), ChatEvent::End { usage: Usage::default() }];
    Box::pin(stream::iter(pieces.chain(end).map(Ok).collect::<Vec<_>>()))
}

/// Microseconds of processor time for one stream, the least of five runs.
fn measure(guard: &Arc<Guard>, chunks: &[String]) -> f64 {
    let run = || {
        let before = cpu();
        for _ in 0..ROUNDS / 5 {
            let guarded = guard.output(events(chunks));
            let count = guarded.count().now_or_never().unwrap();
            assert!(count >= 3);
        }
        (cpu() - before) * 1e6 / f64::from(ROUNDS / 5)
    };
    (0..5).map(|_| run()).fold(f64::MAX, f64::min)
}

/// Seconds of processor time of this process.
fn cpu() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes only to `time`.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
