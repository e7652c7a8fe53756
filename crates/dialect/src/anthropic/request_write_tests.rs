use super::write_message_request;
use serde_json::{Value, json};
use yizhan_model::ChatRequest;

use crate::openai::ChatCompletionRequest;

fn request(body: Value) -> ChatRequest {
    let mut body = body;
    body["model"] = json!("m");
    ChatCompletionRequest::read(body).unwrap().request
}

fn write(body: Value) -> Value {
    Value::Object(write_message_request("claude", &request(body), 4096).unwrap())
}

fn user() -> Value {
    json!([{"role": "user", "content": "?"}])
}

#[test]
fn a_request_with_everything() {
    let asked: Value = serde_json::from_str(include_str!("../../testdata/anthropic_request.openai.json")).unwrap();
    let wanted: Value = serde_json::from_str(include_str!("../../testdata/anthropic_request.json")).unwrap();
    assert_eq!(write(asked), wanted);
}

#[test]
fn what_anthropic_cannot_do_is_refused() {
    for (body, field) in [
        (json!({"messages": user(), "n": 2}), "n"),
        (json!({"messages": user(), "response_format": {"type": "json_object"}}), "response_format.type"),
    ] {
        let error = write_message_request("m", &request(body), 1).unwrap_err();
        assert_eq!(error.parameter(), Some(field));
    }
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}});
    let body = json!({"messages": [{"role": "assistant", "content": null, "tool_calls": [call]}]});
    let error = write_message_request("m", &request(body), 1).unwrap_err();
    assert!(error.message().contains("are not JSON"), "{error}");
}

#[test]
fn effort_becomes_a_budget_that_leaves_room_for_the_answer() {
    for (effort, most, budget) in [
        ("low", 4096, Some(1024)),
        ("medium", 8192, Some(4096)),
        ("high", 32_768, Some(16_384)),
        ("high", 8000, Some(6000)),
        ("low", 1024, None),
        ("none", 8192, None),
    ] {
        let written = write(json!({"messages": user(), "reasoning_effort": effort, "max_tokens": most}));
        assert_eq!(written["thinking"]["budget_tokens"].as_u64(), budget, "{effort} of {most}");
    }
    let own = json!({"type": "enabled", "budget_tokens": 2000});
    let written = write(json!({"messages": user(), "reasoning_effort": "low", "thinking": own}));
    assert_eq!(written["thinking"], own);
}

#[test]
fn choices_of_tools_have_their_words() {
    let tools =
        json!([{"type": "function", "function": {"name": "f"}}, {"type": "web_search_20250305", "name": "web_search"}]);
    for (choice, parallel, wanted) in [
        (json!("auto"), true, Value::Null),
        (json!("auto"), false, json!({"type": "auto", "disable_parallel_tool_use": true})),
        (json!("required"), true, json!({"type": "any"})),
        (json!("none"), false, json!({"type": "none"})),
    ] {
        let body = json!({"messages": user(), "tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel});
        let written = write(body);
        assert_eq!(written["tool_choice"], wanted);
        assert_eq!(written["tools"][0], json!({"name": "f", "input_schema": {"type": "object", "properties": {}}}));
        assert_eq!(written["tools"][1], tools[1], "their own tools as they are");
    }
}

#[test]
fn a_choice_without_tools_is_left_out() {
    assert_eq!(write(json!({"messages": user(), "tool_choice": "none"})).get("tool_choice"), None);
}

#[test]
fn a_file_with_its_bytes_is_a_document() {
    let file = json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}});
    let by_id = json!({"type": "file", "file": {"file_id": "file-1"}});
    let written = write(json!({"messages": [{"role": "user", "content": [file, by_id]}]}));
    let source = json!({"type": "base64", "media_type": "application/pdf", "data": "AAAA"});
    let wanted = json!([{"type": "document", "source": source, "title": "a.pdf"}, by_id]);
    assert_eq!(written["messages"][0]["content"], wanted);
}

#[test]
fn empty_texts_are_left_out_as_anthropic_refuses_them() {
    let messages = json!([{"role": "user", "content": ""}, {"role": "user", "content": [{"type": "text", "text": ""}]},
        {"role": "user", "content": "?"}]);
    assert_eq!(write(json!({"messages": messages}))["messages"], user());
}
