use super::*;
use proptest::prelude::*;
use yizhan_domain::FinishReason;

pub(crate) fn answer(text: &str) -> Answer {
    let usage = Usage { prompt_tokens: 7, completion_tokens: 3, ..Usage::default() };
    Answer {
        events: vec![ChatEvent::text(text), ChatEvent::finish(FinishReason::Stop)],
        usage,
        made_at_ms: now_ms(),
        served: Some(("openai".into(), "m".into())),
        beside: Some(serde_json::json!({"sources": []})),
    }
}

#[test]
fn bytes_give_the_same_answer_back() {
    let one = answer("你好");
    assert_eq!(Answer::from_bytes(&one.to_bytes()), Some(one));
}

#[test]
fn another_format_is_a_miss() {
    let mut bytes = answer("x").to_bytes();
    bytes[0] = FORMAT + 1;
    assert_eq!(Answer::from_bytes(&bytes), None);
    assert_eq!(Answer::from_bytes(&[]), None);
}

#[test]
fn a_hit_says_what_it_took_and_that_it_was_cached() {
    let usage = answer("x").usage_of_hit();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens), (7, 3, 7));
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..150) {
        let _ = Answer::from_bytes(&bytes);
        bytes.insert(0, FORMAT);
        let _ = Answer::from_bytes(&bytes);
        let mut written = answer("x").to_bytes();
        let at = at % written.len();
        written[at] ^= 1;
        let _ = Answer::from_bytes(&written);
    }
}
