use super::{Answer, ChunkWriter};
use serde_json::Value;
use yizhan_domain::{Citation, FinishReason, Rect, ToolCall, Usage};

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
    ToolCall { id: id.into(), name: "look".into(), arguments: r#"{"at":1}"#.into() }
}

const USAGE: Usage = Usage { prompt_tokens: 100, completion_tokens: 7, cached_tokens: 64 };

#[test]
fn a_whole_answer() {
    let answer = Answer {
        text: "每 90 天 [1]。".into(),
        reasoning: "Look it up.".into(),
        reason: Some(FinishReason::Stop),
        usage: USAGE,
        citations: vec![citation()],
        ..Answer::default()
    };
    let written = answer.write("chatcmpl-1", 1_700_000_000, "manual-qa");
    assert_eq!(written, golden(include_str!("../../testdata/chat_reply.json")));
}

#[test]
fn an_answer_of_tool_calls_has_null_content() {
    let answer =
        Answer { tool_calls: vec![call("call_1")], reason: Some(FinishReason::ToolCalls), ..Answer::default() };
    let written = answer.write("chatcmpl-2", 1_700_000_000, "m");
    assert_eq!(written, golden(include_str!("../../testdata/chat_reply.tools.json")));
}

#[test]
fn a_stream_byte_for_byte() {
    let mut writer = ChunkWriter::new("chatcmpl-1", 1_700_000_000, "manual-qa", true);
    let lines = [
        writer.role(),
        writer.reasoning("Look."),
        writer.text("每 90 天 [1]。\n"),
        writer.tool_call(&call("call_1")),
        writer.tool_call(&call("call_2")),
        writer.finish(FinishReason::Stop, &[citation()]),
        writer.usage(&USAGE).unwrap(),
    ];
    let golden = include_str!("../../testdata/chat_stream.jsonl");
    assert_eq!(lines.len(), golden.lines().count());
    for (line, wanted) in lines.iter().zip(golden.lines()) {
        assert_eq!(line, wanted);
    }
}

#[test]
fn usage_is_not_mentioned_unless_asked_for() {
    let writer = ChunkWriter::new("c", 0, "m", false);
    assert!(!writer.text("x").contains("usage"));
    assert!(writer.usage(&USAGE).is_none());
}
