use super::ResponseReply;
use crate::NamedEvent;
use crate::responses::{Echo, ResponseWriter, ResponsesRequest};
use serde_json::{Value, json};
use yizhan_domain::{Citation, Error, ErrorCode, Fields, FinishReason, Rect, ToolCallPiece, Usage};
use yizhan_model::ChatEvent;

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn echo(more: Value) -> Echo {
    let mut body = json!({
        "model": "manual-qa",
        "input": "Hi",
        "instructions": "Be brief.",
        "tools": [{"type": "function", "name": "look"}],
        "text": {"verbosity": "low"},
        "metadata": {"trace": "1"},
    });
    body["reasoning"] = more;
    ResponsesRequest::read(body).unwrap().echo
}

fn citation() -> Citation {
    Citation {
        index: 1,
        file_id: "file-a".into(),
        filename: "手册.pdf".into(),
        page: Some(12),
        quote: "每 90 天保养一次".into(),
        boxes: vec![Rect([72.1, 90.0, 300.0, 102.5])],
    }
}

fn piece(index: u32, name: Option<&str>, arguments: &str) -> ChatEvent {
    let (id, name) = (name.map(|name| format!("call_{name}")), name.map(Into::into));
    let piece = ToolCallPiece { index, id, name, arguments: arguments.into(), extra: Fields::new() };
    ChatEvent::ToolCall { choice: 0, piece }
}

fn extra(choice: Option<u32>, fields: Value) -> ChatEvent {
    ChatEvent::Extra { choice, fields: fields.as_object().unwrap().clone() }
}

const USAGE: Usage =
    Usage { prompt_tokens: 100, completion_tokens: 7, cached_tokens: 64, cache_write_tokens: 6, reasoning_tokens: 3 };

/// Signed reasoning, two calls whose pieces alternate, then text with citations.
fn events() -> Vec<ChatEvent> {
    let logprob = json!({"token": "每", "bytes": [230, 175, 143], "logprob": -0.5, "top_logprobs": []});
    vec![
        extra(None, json!({"service_tier": "flex", "system_fingerprint": "fp"})),
        ChatEvent::reasoning("Look "),
        ChatEvent::reasoning("it up."),
        extra(Some(0), json!({"thinking_blocks": [{"type": "thinking", "thinking": "Look it up.", "signature": "s"}]})),
        extra(Some(0), json!({"thinking_blocks": [{"type": "redacted_thinking", "data": "xyz"}]})),
        extra(Some(0), json!({"content_blocks": [{"type": "server_tool_use"}]})),
        piece(0, Some("look"), "{\"at\""),
        piece(1, Some("search"), "{}"),
        piece(0, None, ":\"泵\"}"),
        extra(Some(0), json!({"logprobs": {"content": [logprob]}})),
        ChatEvent::text("每 90 天"),
        ChatEvent::text(" [1]。"),
        ChatEvent::Text { choice: 1, delta: "another answer".into() },
        ChatEvent::Finish { choice: 0, reason: FinishReason::Stop, citations: vec![citation()] },
        ChatEvent::End { usage: USAGE },
    ]
}

fn cut() -> Vec<ChatEvent> {
    let refusal = extra(Some(0), json!({"refusal": "No."}));
    vec![refusal, ChatEvent::finish(FinishReason::Length), ChatEvent::End { usage: USAGE }]
}

fn whole(events: Vec<ChatEvent>, echo: &Echo) -> Value {
    let mut reply = ResponseReply::default();
    events.into_iter().for_each(|event| reply.take(event));
    assert!(reply.is_whole());
    reply.write("resp_1", 1_700_000_000, "manual-qa", echo)
}

fn streamed(events: Vec<ChatEvent>, echo: Echo) -> Vec<NamedEvent> {
    let mut writer = ResponseWriter::new("resp_1", 1_700_000_000, "manual-qa", echo);
    let mut written = writer.start();
    written.extend(events.into_iter().flat_map(|event| writer.write(event)));
    written
}

fn compare(written: &[NamedEvent], golden: &str) {
    for (number, (event, wanted)) in written.iter().zip(golden.lines()).enumerate() {
        assert_eq!(event.data, wanted);
        let data: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!((&data["type"], &data["sequence_number"]), (&json!(event.name), &json!(number)));
    }
    assert_eq!(written.len(), golden.lines().count());
}

#[test]
fn a_whole_answer() {
    assert_eq!(whole(events(), &echo(Value::Null)), golden(include_str!("../../testdata/responses/reply.json")));
}

#[test]
fn an_answer_that_was_cut_says_why() {
    let wanted = golden(include_str!("../../testdata/responses/reply.incomplete.json"));
    assert_eq!(whole(cut(), &echo(Value::Null)), wanted);
}

#[test]
fn a_stream_byte_for_byte() {
    let written = streamed(events(), echo(Value::Null));
    compare(&written, include_str!("../../testdata/responses/stream.jsonl"));
}

#[test]
fn a_summary_is_told_as_one_when_asked_for() {
    let mut written = streamed([events()[..4].to_vec(), cut()].concat(), echo(json!({"summary": "auto"})));
    assert_eq!(written.last().unwrap().name, "response.incomplete");
    let mut writer = ResponseWriter::new("resp_1", 1_700_000_000, "manual-qa", echo(Value::Null));
    writer.start();
    writer.write(ChatEvent::text("Hi"));
    compare(&written, include_str!("../../testdata/responses/stream.summary.jsonl"));
    written.push(writer.failed(&Error::new(ErrorCode::RateLimited, "Try again later.")));
    let data = golden(&written.last().unwrap().data);
    assert_eq!(data["type"], "response.failed");
    assert_eq!(data["response"]["status"], "failed");
    assert_eq!(data["response"]["error"]["code"], "rate_limit_exceeded");
}
