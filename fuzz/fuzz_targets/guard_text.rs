//! Rules on a text: what is found and what is left of it does not depend on how it is cut, nor on the way it goes.
#![no_main]

use futures_util::{FutureExt, StreamExt, stream};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use yizhan_domain::{FinishReason, Usage};
use yizhan_fuzz::{split_off, text_pieces};
use yizhan_guard::{Finding, Guard, RuleSet, Side};
use yizhan_model::ChatEvent;

const RULES: &str = include_str!("../rules.yaml");

static GUARD: LazyLock<Arc<Guard>> = LazyLock::new(|| {
    let rules = RuleSet::parse("rules.yaml", RULES).expect("rules");
    Arc::new(Guard::new(&[rules]).expect("rules that compile"))
});

/// The text that comes out, what was found, and whether it came to its own end.
fn guarded(pieces: &[&str]) -> (String, Vec<(usize, usize, String)>, bool) {
    let end = [ChatEvent::finish(FinishReason::Stop), ChatEvent::End { usage: Usage::default() }];
    let events: Vec<_> = pieces.iter().map(|piece| ChatEvent::text(*piece)).chain(end).map(Ok).collect();
    let stream = GUARD.output(Box::pin(stream::iter(events)));
    let findings = stream.findings();
    let events = stream.collect::<Vec<_>>().now_or_never().expect("a stream that is ready");
    let (mut text, mut is_whole) = (String::new(), false);
    for event in events.into_iter().flatten() {
        match event {
            ChatEvent::Text { delta, .. } => text.push_str(&delta),
            ChatEvent::Finish { reason, .. } => is_whole = reason == FinishReason::Stop,
            _ => {}
        }
    }
    (text, findings.list().into_iter().map(short).collect(), is_whole)
}

fn short(finding: Finding) -> (usize, usize, String) {
    (finding.start, finding.end, finding.rule)
}

fuzz_target!(|data: &[u8]| {
    let (cuts, text) = split_off(data, 8);
    let text = String::from_utf8_lossy(text);
    let whole = guarded(&[&text]);
    assert_eq!(guarded(&text_pieces(&text, cuts)), whole, "cut by {cuts:?}");
    assert_eq!(guarded(&text_pieces(&text, &[1])), whole, "character by character");
    let check = GUARD.check_text(&text, Side::Output);
    assert!(
        check
            .findings
            .iter()
            .all(|finding| { finding.start < finding.end && text.get(finding.start..finding.end).is_some() })
    );
    // Every mask and addition is bounded.
    assert!(check.text.len() <= 16 * text.len() + 4096);
    if whole.2 {
        let found: Vec<_> = check.findings.into_iter().map(short).collect();
        assert_eq!(found, whole.1, "a text alone and an answer are looked at alike");
    }
});
