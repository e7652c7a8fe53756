use super::ChatAnswerReader;
use crate::openai::{Answer, ChunkWriter};
use crate::vendor_error::AnswerFault;
use serde_json::{Value, json};
use std::collections::VecDeque;
use yizhan_domain::{Fields, FinishReason, ToolCallPiece, Usage};
use yizhan_model::ChatEvent;

type Events = VecDeque<ChatEvent>;

fn chunks(values: &[Value]) -> Result<Events, AnswerFault> {
    let (mut reader, mut events) = (ChatAnswerReader::default(), Events::new());
    for value in values {
        reader.chunk(value.to_string().as_bytes(), &mut events)?;
    }
    Ok(events)
}

fn reply(value: &Value) -> Result<(Events, Option<Usage>), AnswerFault> {
    let (mut reader, mut events) = (ChatAnswerReader::default(), Events::new());
    reader.reply(value.to_string().as_bytes(), &mut events)?;
    Ok((events, reader.usage()))
}

fn extra(choice: Option<u32>, fields: Value) -> ChatEvent {
    ChatEvent::Extra { choice, fields: serde_json::from_value::<Fields>(fields).unwrap() }
}

#[test]
fn what_is_written_here_is_read_here() {
    let piece = ToolCallPiece {
        index: 1,
        id: Some("a".into()),
        name: Some("f".into()),
        arguments: "{\"x\":\"字\"}".into(),
        extra: Fields::from_iter([("more".to_owned(), json!({"y": [1]}))]),
    };
    let told = vec![
        ChatEvent::Reasoning { choice: 1, delta: "想".into() },
        ChatEvent::Text { choice: 0, delta: "一 \"\\\u{1}".into() },
        ChatEvent::ToolCall { choice: 0, piece },
        extra(Some(0), json!({"logprobs": {"content": []}, "own": null, "annotations": [{"type": "x"}]})),
        ChatEvent::Finish { choice: 0, reason: FinishReason::ToolCalls, citations: Vec::new() },
        ChatEvent::Finish { choice: 1, reason: FinishReason::Length, citations: Vec::new() },
    ];
    let mut writer = ChunkWriter::new("id", 1, "m", true);
    let (mut reader, mut events) = (ChatAnswerReader::default(), Events::new());
    let usage =
        Usage { prompt_tokens: 9, completion_tokens: 5, cached_tokens: 2, reasoning_tokens: 1, ..Usage::default() };
    for event in told.iter().cloned().chain([ChatEvent::End { usage }]) {
        let chunk = writer.write(event).unwrap();
        assert!(!reader.chunk(chunk.as_bytes(), &mut events).unwrap());
    }
    assert!(reader.chunk(b"[DONE]", &mut events).unwrap());
    let mut wanted = told;
    wanted[3] = extra(Some(0), json!({"annotations": [{"type": "x"}], "logprobs": {"content": []}}));
    assert_eq!(Vec::from(events), wanted, "all but null");
    assert_eq!(reader.usage(), Some(usage));
}

#[test]
fn a_whole_reply_is_read_as_it_was_written() {
    let mut answer = Answer::default();
    for event in [
        ChatEvent::reasoning("r"),
        ChatEvent::text("t"),
        extra(Some(0), json!({"logprobs": {"content": [1]}, "own": 2})),
        extra(None, json!({"service_tier": "flex"})),
        ChatEvent::finish(FinishReason::Length),
        ChatEvent::End { usage: Usage::default() },
    ] {
        answer.take(event);
    }
    let (events, usage) = reply(&answer.write("id", 1, "m")).unwrap();
    let mut again = Answer::default();
    events.into_iter().for_each(|event| again.take(event));
    again.take(ChatEvent::End { usage: usage.unwrap() });
    // `refusal: null` is absence.
    assert_eq!(again, answer);
}

#[test]
fn fields_beside_the_choices_are_told_when_they_change() {
    let chunk = |print: &str| json!({"system_fingerprint": print, "choices": [{"delta": {"content": "x"}}]});
    let events = chunks(&[chunk("a"), chunk("a"), chunk("b"), chunk("b")]).unwrap();
    let told: Vec<&ChatEvent> = events.iter().filter(|event| matches!(event, ChatEvent::Extra { .. })).collect();
    assert_eq!(
        told,
        [&extra(None, json!({"system_fingerprint": "a"})), &extra(None, json!({"system_fingerprint": "b"}))]
    );
}

#[test]
fn the_index_may_come_last() {
    let events = chunks(&[json!({"choices": [{"delta": {"content": "x", "own": 1}, "index": 3}]})]).unwrap();
    assert_eq!(events, [ChatEvent::Text { choice: 3, delta: "x".into() }, extra(Some(3), json!({"own": 1}))]);
}

#[test]
fn content_that_is_no_text_is_kept() {
    let parts = json!([{"type": "thinking", "thinking": []}]);
    let events = chunks(&[json!({"choices": [{"index": 0, "delta": {"content": parts}}]})]).unwrap();
    assert_eq!(events, [extra(Some(0), json!({"content": parts}))]);
}

#[test]
fn an_index_beyond_all_measure_is_no_harm() {
    let events = chunks(&[json!({"choices": [{"index": 4_000_000_000u32, "delta": {"content": "x"}}]})]).unwrap();
    assert_eq!(events, [ChatEvent::Text { choice: 127, delta: "x".into() }]);
}

#[test]
fn a_reason_is_told_once() {
    let chunk = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    assert_eq!(chunks(&[chunk.clone(), chunk]).unwrap(), [ChatEvent::finish(FinishReason::Stop)]);
}

#[test]
fn an_answer_without_a_reason_is_ended_by_the_last_event() {
    let (mut reader, mut events) = (ChatAnswerReader::default(), Events::new());
    reader.chunk(br#"{"choices":[{"delta":{"content":"x"},"finish_reason":""}]}"#, &mut events).unwrap();
    assert!(reader.end().is_err(), "it may be cut off");
    assert!(reader.chunk(b"[DONE]", &mut events).unwrap());
    assert_eq!(events.back(), Some(&ChatEvent::finish(FinishReason::Stop)));
}

#[test]
fn usage_is_read_in_every_vendors_words() {
    for (usage, wanted) in [
        (json!({"prompt_tokens": 5, "completion_tokens": 2.0}), (5, 2, 0)),
        (json!({"prompt_tokens": 5, "prompt_cache_hit_tokens": 4}), (5, 0, 4)),
        (json!({"prompt_tokens": 5, "cached_tokens": 4}), (5, 0, 4)),
        (json!({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3, "x": {}}}), (5, 0, 3)),
        (json!({"prompt_tokens": null, "completion_tokens": [], "total_tokens": {}}), (0, 0, 0)),
        (json!({"prompt_tokens": 99_999_999_999u64, "completion_tokens": -1}), (u32::MAX, 0, 0)),
    ] {
        let (_, read) = reply(&json!({"usage": usage, "choices": [{"message": {"content": ""}}]})).unwrap();
        let read = read.unwrap();
        assert_eq!((read.prompt_tokens, read.completion_tokens, read.cached_tokens), wanted, "{usage}");
    }
}

#[test]
fn a_vendor_that_gives_up_says_so_after_what_came() {
    let (mut reader, mut events) = (ChatAnswerReader::default(), Events::new());
    let chunk = br#"{"choices":[{"delta":{"content":"x"},"finish_reason":"network_error"}]}"#;
    let Err(AnswerFault::Vendor(error)) = reader.chunk(chunk, &mut events) else { panic!("an error") };
    assert!(error.message.contains("network_error"));
    assert_eq!(events, [ChatEvent::text("x")]);
}

#[test]
fn a_fault_leaves_no_half_read_events() {
    let (mut reader, mut events) = (ChatAnswerReader::default(), Events::new());
    let cut = br#"{"choices":[{"delta":{"content":"x"}}],"usage":{"#;
    assert!(matches!(reader.chunk(cut, &mut events), Err(AnswerFault::Malformed(_))));
    assert!(events.is_empty());
}
