//! Whatever a vendor sends in place of an answer, reading it never panics, and half of it is never told.

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::VecDeque;
use yizhan_dialect::VendorError;
use yizhan_dialect::anthropic::MessageReader;
use yizhan_dialect::openai::ChatAnswerReader;

fn samples() -> Vec<Value> {
    vec![
        json!({"id": "c", "object": "chat.completion.chunk", "system_fingerprint": "f", "choices": [{"index": 1,
            "delta": {"role": "assistant", "content": "字", "reasoning_content": "r", "tool_calls": [{"index": 0,
            "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}], "own": 1},
            "logprobs": {"content": []}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1,
            "prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 1}}}),
        json!({"error": {"message": "m", "type": "t", "code": 1, "param": "p"}}),
        json!({"type": "message_start", "message": {"usage": {"input_tokens": 1}, "content": [], "own": 1}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "a", "name": "n",
            "input": {}}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "字"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}),
        json!({"content": [{"type": "thinking", "thinking": "t", "signature": "s"}], "stop_reason": "end_turn"}),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,4}".prop_map(Value::from),
        prop::sample::select(vec!["text", "thinking", "tool_use", "text_delta", "error", "stop"]).prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[{"index": -1}], null])),
        prop::sample::select(samples()),
    ]
}

/// The document with its `at`-th node, counted from the root, replaced.
fn replace(value: &mut Value, at: &mut usize, with: &Value) {
    if *at == 0 {
        *value = with.clone();
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(items) if *at < usize::MAX / 2 => items.iter_mut().for_each(|item| replace(item, at, with)),
        Value::Object(fields) if *at < usize::MAX / 2 => fields.values_mut().for_each(|field| replace(field, at, with)),
        _ => {}
    }
}

fn documents() -> impl Strategy<Value = Vec<u8>> {
    let changed =
        (prop::sample::select(samples()), 0usize..40, any_value()).prop_map(|(mut document, mut at, with)| {
            replace(&mut document, &mut at, &with);
            document.to_string().into_bytes()
        });
    // Some are cut, some have a byte too many.
    (changed, any::<prop::sample::Index>(), any::<u8>(), 0u8..4).prop_map(|(mut bytes, at, byte, what)| {
        let at = at.index(bytes.len());
        match what {
            0 => bytes.truncate(at),
            1 => bytes[at] = byte,
            _ => {}
        }
        bytes
    })
}

proptest! {
    #[test]
    fn no_answer_makes_a_reader_panic(documents in prop::collection::vec(documents(), 1..6)) {
        let (mut openai, mut anthropic) = (ChatAnswerReader::default(), MessageReader::default());
        let mut events = VecDeque::new();
        for document in &documents {
            let before = events.len();
            if openai.chunk(document, &mut events).is_err() && VendorError::read(document).is_none() {
                prop_assert!(events.len() == before || serde_json::from_slice::<Value>(document).is_ok());
            }
            let _ = anthropic.chunk(document, &mut events);
            let _ = ChatAnswerReader::default().reply(document, &mut events);
            let _ = MessageReader::default().reply(document, &mut events);
        }
        let _ = (openai.end(), openai.usage(), anthropic.end(), anthropic.usage());
    }
}
