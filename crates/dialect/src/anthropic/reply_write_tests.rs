use crate::NamedEvent;
use crate::anthropic::{MessageReply, MessageWriter, error_event};
use serde_json::{Value, json};
use yizhan_domain::{Citation, Error, ErrorCode, Fields, FinishReason, Rect, ToolCallPiece, Usage};
use yizhan_model::ChatEvent;

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn citation(index: u32, page: Option<u32>) -> Citation {
    Citation {
        index,
        file_id: "file-a".into(),
        filename: "手册.pdf".into(),
        page,
        quote: "每 90 天保养一次".into(),
        boxes: vec![Rect([72.1, 90.0, 300.0, 102.5])],
    }
}

fn piece(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> ChatEvent {
    let piece = ToolCallPiece {
        index,
        id: id.map(Into::into),
        name: name.map(Into::into),
        arguments: arguments.into(),
        extra: Fields::new(),
    };
    ChatEvent::ToolCall { choice: 0, piece }
}

fn extra(fields: Value) -> ChatEvent {
    ChatEvent::Extra { choice: Some(0), fields: fields.as_object().unwrap().clone() }
}

const USAGE: Usage =
    Usage { prompt_tokens: 100, completion_tokens: 7, cached_tokens: 64, cache_write_tokens: 6, reasoning_tokens: 3 };

/// Signed thinking, two calls whose pieces alternate, then text with citations.
fn events() -> Vec<ChatEvent> {
    vec![
        ChatEvent::reasoning("Look "),
        ChatEvent::reasoning("it up."),
        extra(json!({"thinking_blocks": [{"type": "thinking", "thinking": "Look it up.", "signature": "sig"}]})),
        extra(json!({"thinking_blocks": [{"type": "redacted_thinking", "data": "xyz"}]})),
        piece(0, Some("call_1"), Some("look"), "{\"at\""),
        piece(1, Some("call_2"), Some("search"), "{}"),
        piece(0, None, None, ":\"泵\"}"),
        ChatEvent::text("每 90 天"),
        ChatEvent::text(" [1][2]。"),
        ChatEvent::Text { choice: 1, delta: "another answer".into() },
        ChatEvent::Finish {
            choice: 0,
            reason: FinishReason::ToolCalls,
            citations: vec![citation(1, Some(12)), citation(2, None)],
        },
        ChatEvent::End { usage: USAGE },
    ]
}

fn whole(events: impl IntoIterator<Item = ChatEvent>) -> Value {
    let mut reply = MessageReply::default();
    events.into_iter().for_each(|event| reply.take(event));
    assert!(reply.is_whole());
    reply.write("msg_1", "manual-qa")
}

fn streamed(events: impl IntoIterator<Item = ChatEvent>) -> Vec<NamedEvent> {
    let mut writer = MessageWriter::new("msg_1", "manual-qa", 90);
    let mut written = vec![writer.start(), MessageWriter::ping()];
    written.extend(events.into_iter().flat_map(|event| writer.write(event)));
    written
}

fn finished(reason: FinishReason) -> [ChatEvent; 2] {
    [ChatEvent::finish(reason), ChatEvent::End { usage: USAGE }]
}

#[test]
fn a_whole_answer() {
    assert_eq!(whole(events()), golden(include_str!("../../testdata/anthropic/reply.json")));
}

#[test]
fn a_stream_byte_for_byte() {
    let mut written = streamed(events());
    written.push(error_event(&Error::new(ErrorCode::Overloaded, "Try again later.")));
    let golden = include_str!("../../testdata/anthropic/stream.jsonl");
    for (event, wanted) in written.iter().zip(golden.lines()) {
        assert_eq!(event.data, wanted);
        assert_eq!(serde_json::from_str::<Value>(&event.data).unwrap()["type"], event.name);
    }
    assert_eq!(written.len(), golden.lines().count());
}

#[test]
fn a_plain_answer_is_one_text_block() {
    let events = [vec![ChatEvent::text("Hi"), ChatEvent::text("!")], finished(FinishReason::Stop).to_vec()].concat();
    assert_eq!(whole(events.clone())["content"], json!([{"type": "text", "text": "Hi!"}]));
    let names: Vec<&str> = streamed(events).iter().map(|event| event.name).collect();
    let delta = "content_block_delta";
    let wanted = [
        "message_start",
        "ping",
        "content_block_start",
        delta,
        delta,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(names, wanted);
}

#[test]
fn stop_reasons() {
    let reason = |mut events: Vec<ChatEvent>, reason| {
        events.extend(finished(reason));
        let reply = whole(events);
        (reply["stop_reason"].as_str().unwrap().to_owned(), reply["stop_sequence"].clone())
    };
    let none = |word: &str| (word.to_owned(), Value::Null);
    assert_eq!(reason(vec![], FinishReason::Stop), none("end_turn"));
    assert_eq!(reason(vec![], FinishReason::Length), none("max_tokens"));
    assert_eq!(reason(vec![], FinishReason::ContentFilter), none("refusal"));
    let call = || piece(0, None, Some("look"), "{}");
    assert_eq!(reason(vec![call()], FinishReason::Stop), none("tool_use"));
    assert_eq!(reason(vec![call()], FinishReason::ToolCalls), none("tool_use"));
    let sequence = extra(json!({"stop_sequence": "###"}));
    assert_eq!(reason(vec![sequence], FinishReason::Stop), ("stop_sequence".to_owned(), json!("###")));
    let own = || extra(json!({"native_finish_reason": "pause_turn"}));
    assert_eq!(reason(vec![own()], FinishReason::Stop), none("pause_turn"));
    assert_eq!(reason(vec![own()], FinishReason::ContentFilter), none("refusal"));
}

#[test]
fn arguments_are_an_object_or_said_to_be_none() {
    let input = |arguments: &str| {
        let events = [vec![piece(0, None, Some("look"), arguments)], finished(FinishReason::ToolCalls).to_vec()];
        let reply = whole(events.concat());
        assert_eq!(reply["content"][0]["id"], "call_0");
        reply["content"][0]["input"].clone()
    };
    assert_eq!(input(""), json!({}));
    assert_eq!(input("{\"a\": 1}"), json!({"a": 1}));
    assert_eq!(input("[1"), json!({"raw_arguments": "[1"}));
}

#[test]
fn citations_without_a_text_stand_beside_the_content() {
    let mut events = vec![ChatEvent::text("x"), piece(0, None, Some("look"), "{}")];
    events.push(ChatEvent::Finish { choice: 0, reason: FinishReason::Stop, citations: vec![citation(1, None)] });
    events.push(ChatEvent::End { usage: USAGE });
    assert_eq!(whole(events)["citations"][0]["type"], "search_result_location");
}
