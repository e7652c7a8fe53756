use super::{Answer, ChunkWriter};
use serde_json::{Value, json};
use yizhan_domain::{Citation, Fields, FinishReason, Rect, ToolCall, ToolCallPiece, Usage};
use yizhan_model::ChatEvent;

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
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

fn call(id: &str) -> ToolCall {
    ToolCall { id: id.into(), name: "look".into(), arguments: r#"{"at":1}"#.into(), extra: Fields::new() }
}

fn whole(index: u32, id: &str) -> ChatEvent {
    ChatEvent::ToolCall { choice: 0, piece: ToolCallPiece::whole(index, call(id)) }
}

const USAGE: Usage =
    Usage { prompt_tokens: 100, completion_tokens: 7, cached_tokens: 64, cache_write_tokens: 0, reasoning_tokens: 0 };

fn collect(events: impl IntoIterator<Item = ChatEvent>) -> Answer {
    let mut answer = Answer::default();
    events.into_iter().for_each(|event| answer.take(event));
    answer
}

#[test]
fn a_whole_answer() {
    let answer = collect([
        ChatEvent::reasoning("Look "),
        ChatEvent::reasoning("it up."),
        ChatEvent::text("每 90 天"),
        ChatEvent::text(" [1]。"),
        ChatEvent::Finish { choice: 0, reason: FinishReason::Stop, citations: vec![citation()] },
        ChatEvent::End { usage: USAGE },
    ]);
    assert!(answer.is_whole());
    let written = answer.write("chatcmpl-1", 1_700_000_000, "manual-qa");
    assert_eq!(written, golden(include_str!("../../testdata/chat_reply.json")));
}

#[test]
fn an_answer_of_tool_calls_has_null_content() {
    let events = [whole(0, "call_1"), ChatEvent::finish(FinishReason::ToolCalls)];
    let written = collect(events).write("chatcmpl-2", 1_700_000_000, "m");
    assert_eq!(written, golden(include_str!("../../testdata/chat_reply.tools.json")));
}

#[test]
fn a_tool_call_in_pieces_is_put_together() {
    let piece = |id: Option<&str>, name: Option<&str>, arguments: &str| ChatEvent::ToolCall {
        choice: 0,
        piece: ToolCallPiece {
            index: 0,
            id: id.map(Into::into),
            name: name.map(Into::into),
            arguments: arguments.into(),
            extra: Fields::new(),
        },
    };
    let answer =
        collect([piece(Some("call_1"), Some("look"), ""), piece(None, None, "{\"at\""), piece(None, None, ":1}")]);
    assert_eq!(answer.choices[0].tool_calls, [call("call_1")]);
}

#[test]
fn a_stream_byte_for_byte() {
    let mut writer = ChunkWriter::new("chatcmpl-1", 1_700_000_000, "manual-qa", true);
    let mut lines = vec![writer.role()];
    let events = [
        ChatEvent::reasoning("Look."),
        ChatEvent::text("每 90 天 [1]。\n"),
        whole(0, "call_1"),
        whole(1, "call_2"),
        ChatEvent::Finish { choice: 0, reason: FinishReason::Stop, citations: vec![citation()] },
        ChatEvent::End { usage: USAGE },
    ];
    lines.extend(events.into_iter().filter_map(|event| writer.write(event)));
    let golden = include_str!("../../testdata/chat_stream.jsonl");
    assert_eq!(lines.len(), golden.lines().count());
    for (line, wanted) in lines.iter().zip(golden.lines()) {
        assert_eq!(line, wanted);
    }
}

#[test]
fn unknown_fields_keep_their_places() {
    let fields = |value: Value| value.as_object().unwrap().clone();
    let events = [
        ChatEvent::Extra { choice: None, fields: fields(json!({"system_fingerprint": "fp_1"})) },
        ChatEvent::Extra {
            choice: Some(0),
            fields: fields(json!({"logprobs": {"content": [1]}, "audio": {"id": "a"}})),
        },
        ChatEvent::Extra { choice: Some(0), fields: fields(json!({"logprobs": {"content": [2]}})) },
        ChatEvent::Text { choice: 1, delta: "two".into() },
    ];
    let mut writer = ChunkWriter::new("c", 0, "m", false);
    writer.role();
    let chunks: Vec<Value> =
        events.iter().filter_map(|event| writer.write(event.clone())).map(|chunk| golden(&chunk)).collect();
    assert_eq!(chunks[0]["system_fingerprint"], "fp_1");
    assert_eq!(chunks[0]["choices"][0]["logprobs"]["content"], json!([1]));
    assert_eq!(chunks[0]["choices"][0]["delta"]["audio"]["id"], "a");
    assert_eq!(chunks[2]["choices"][0]["delta"], json!({"role": "assistant", "content": "two"}));
    assert_eq!(chunks[2]["choices"][0]["index"], 1);
    let whole = collect(events).write("c", 0, "m");
    assert_eq!(whole["system_fingerprint"], "fp_1");
    assert_eq!(whole["choices"][0]["logprobs"]["content"], json!([1, 2]));
    assert_eq!(whole["choices"][0]["message"]["audio"]["id"], "a");
    assert_eq!(whole["choices"][1]["message"]["content"], "two");
}

#[test]
fn usage_is_not_mentioned_unless_asked_for() {
    let mut writer = ChunkWriter::new("c", 0, "m", false);
    assert!(!writer.write(ChatEvent::text("x")).unwrap().contains("usage"));
    assert!(writer.write(ChatEvent::End { usage: USAGE }).is_none());
}
