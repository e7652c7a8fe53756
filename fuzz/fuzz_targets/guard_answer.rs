//! Rules on a whole answer: many choices, reasoning, tool calls in pieces and unknown fields. What comes out of each
//! lane does not depend on how the lanes' texts were cut.
#![no_main]

use futures_util::{FutureExt, StreamExt, stream};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use yizhan_domain::{FinishReason, ToolCallPiece, Usage};
use yizhan_fuzz::text_pieces;
use yizhan_guard::{Expected, Guard, RuleSet};
use yizhan_model::ChatEvent;

const RULES: &str = include_str!("../rules.yaml");

static GUARD: LazyLock<Arc<Guard>> = LazyLock::new(|| {
    let rules = RuleSet::parse("rules.yaml", RULES).expect("rules");
    Arc::new(Guard::new(&[rules]).expect("rules that compile"))
});

/// Lines of an answer: the first byte says what it is and of which choice, the rest is its text.
fn events(data: &[u8], cuts: &[u8]) -> Vec<ChatEvent> {
    let mut events = Vec::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let Some((kind, text)) = line.split_first() else { continue };
        let (choice, text) = (u32::from(kind >> 4) % 3, String::from_utf8_lossy(text));
        let index = u32::from(kind >> 6);
        for piece in text_pieces(&text, cuts) {
            let (delta, piece_of) =
                (piece.to_owned(), |arguments| ToolCallPiece { index, arguments, ..Default::default() });
            events.push(match kind % 4 {
                0 | 3 => ChatEvent::Text { choice, delta },
                1 => ChatEvent::Reasoning { choice, delta },
                _ => ChatEvent::ToolCall { choice, piece: piece_of(delta) },
            });
        }
    }
    events.extend((0..3).map(|choice| ChatEvent::Finish { choice, reason: FinishReason::Stop, citations: Vec::new() }));
    events.push(ChatEvent::End { usage: Usage::default() });
    events
}

type Lanes = BTreeMap<(u32, u32), String>;

fn guarded(events: Vec<ChatEvent>, structured: bool) -> (Lanes, BTreeMap<u32, FinishReason>, bool) {
    let expected = Expected { more_choices: 2, structured, warnings: Vec::new() };
    let stream = GUARD.output(Box::pin(stream::iter(events.into_iter().map(Ok)))).expect(expected);
    let events = stream.collect::<Vec<_>>().now_or_never().expect("a stream that is ready");
    let (mut lanes, mut ends, mut failed) = (Lanes::new(), BTreeMap::new(), false);
    for event in events {
        match event {
            Ok(ChatEvent::Text { choice, delta }) => lanes.entry((choice, 0)).or_default().push_str(&delta),
            Ok(ChatEvent::Reasoning { choice, delta }) => lanes.entry((choice, 1)).or_default().push_str(&delta),
            Ok(ChatEvent::ToolCall { choice, piece }) => {
                lanes.entry((choice, 2 + piece.index)).or_default().push_str(&piece.arguments);
            }
            Ok(ChatEvent::Finish { choice, reason, .. }) => {
                assert!(ends.insert(choice, reason).is_none(), "choice {choice} ends twice");
            }
            Ok(_) => {}
            Err(_) => failed = true,
        }
    }
    lanes.retain(|_, text| !text.is_empty());
    (lanes, ends, failed)
}

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let (structured, cuts) = (first & 1 == 1, [first >> 1, 2, 7]);
    let whole = guarded(events(data, &[255]), structured);
    assert!(whole.2 || whole.1.len() == 3, "every choice has an end: {:?}", whole.1);
    let cut = guarded(events(data, &cuts), structured);
    assert_eq!(cut.1, whole.1);
    // What ends a call may come a little earlier in one lane than in another.
    if whole.1.values().all(|reason| *reason == FinishReason::Stop) {
        assert_eq!(cut.0, whole.0);
    }
});
