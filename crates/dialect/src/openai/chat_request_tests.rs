use super::{ChatCompletionRequest, RetrievalWish};
use crate::openai::ChatRequestBody;
use serde_json::{Value, json};
use yizhan_model::ToolChoice;

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn with(key: &str, value: Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    body[key] = value;
    body
}

/// The path that the error names.
fn path(body: Value) -> String {
    let error = ChatCompletionRequest::read(body).unwrap_err();
    error.parameter().unwrap_or_else(|| panic!("no path: {error}")).to_owned()
}

#[test]
fn a_request_with_everything_is_read_as_its_canonical_form() {
    let request = ChatCompletionRequest::read(golden(include_str!("../../testdata/chat_request.json"))).unwrap();
    let canonical = golden(include_str!("../../testdata/chat_request.canonical.json"));
    assert_eq!(request.retrieval.limit, Some(4));
    let written = json!(ChatRequestBody::new("manual-qa", &request.request, request.include_usage));
    assert_eq!(written, canonical);
    let again = ChatCompletionRequest::read(canonical).unwrap();
    assert_eq!(again, ChatCompletionRequest { retrieval: RetrievalWish::default(), ..request });
}

#[test]
fn what_a_vendor_refuses_is_left_out_of_messages_and_their_parts() {
    let body = json!({"model": "m", "cache_control": 1, "messages": [
        {"role": "assistant", "content": "a", "reasoning_content": "r"},
        {"role": "user", "content": [{"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}], "name": "n"},
    ]});
    let read = ChatCompletionRequest::read(body.clone()).unwrap();
    let mut written = ChatRequestBody::new("m", &read.request, false);
    assert_eq!(json!(written), body);
    written.leave_out(&["reasoning_content"]);
    written.leave_out(&["cache_control"]);
    let plain = json!({"model": "m", "cache_control": 1, "messages": [
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "b"}], "name": "n"},
    ]});
    assert_eq!(json!(written), plain);
}

#[test]
fn errors_name_the_field() {
    assert_eq!(path(json!({"messages": []})), "model");
    assert_eq!(path(json!({"model": ""})), "model");
    assert_eq!(path(json!({"model": "m"})), "messages");
    assert_eq!(path(json!({"model": "m", "messages": []})), "messages");
    for (messages, wanted) in [
        (json!([5]), "messages[0]"),
        (json!([{"content": "x"}]), "messages[0].role"),
        (json!([{"role": "robot", "content": "x"}]), "messages[0].role"),
        (json!([{"role": "user"}]), "messages[0].content"),
        (json!([{"role": "user", "content": 1}]), "messages[0].content"),
        (json!([{"role": "user", "content": [{"type": "text"}]}]), "messages[0].content[0].text"),
        (
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
            "messages[0].content[0].image_url.url",
        ),
        (json!([{"role": "tool", "content": "x"}]), "messages[0].tool_call_id"),
        (
            json!([{"role": "user", "content": "x", "tool_calls": [{"id": "1", "function": {"name": "f"}}]}]),
            "messages[0].tool_calls",
        ),
        (json!([{"role": "assistant", "tool_calls": [{"id": "1"}]}]), "messages[0].tool_calls[0].function"),
    ] {
        assert_eq!(path(json!({"model": "m", "messages": messages})), wanted);
    }
    for (key, value, wanted) in [
        ("temperature", json!(2.5), "temperature"),
        ("temperature", json!("hot"), "temperature"),
        ("max_tokens", json!(0), "max_tokens"),
        ("max_completion_tokens", json!(1.5), "max_completion_tokens"),
        ("n", json!(0), "n"),
        ("stop", json!({}), "stop"),
        ("stop", json!(["a", 1]), "stop[1]"),
        ("stop", json!(vec!["a"; 17]), "stop"),
        ("stream", json!("yes"), "stream"),
        ("stream_options", json!({"include_usage": 1}), "stream_options.include_usage"),
        ("tools", json!([{"type": "function", "function": {}}]), "tools[0].function.name"),
        ("tools", json!([{"name": "search"}]), "tools[0]"),
        ("tool_choice", json!("maybe"), "tool_choice"),
        ("response_format", json!({"type": "xml"}), "response_format.type"),
        ("response_format", json!({"type": "json_schema", "json_schema": {}}), "response_format.json_schema.schema"),
        ("retrieval", json!({"top_k": 0}), "retrieval.top_k"),
        ("retrieval", json!({"topk": 5}), "retrieval.topk"),
    ] {
        assert_eq!(path(with(key, value)), wanted, "{key}");
    }
}

#[test]
fn newer_and_older_names_of_the_token_limit() {
    let read = |body| ChatCompletionRequest::read(body).unwrap().request.sampling.max_tokens;
    assert_eq!(read(with("max_tokens", json!(7))), Some(7));
    let mut both = with("max_tokens", json!(7));
    both["max_completion_tokens"] = json!(3);
    assert_eq!(read(both), Some(3));
}

#[test]
fn a_named_tool_is_kept() {
    let choice = json!({"type": "function", "function": {"name": "look"}});
    let request = ChatCompletionRequest::read(with("tool_choice", choice)).unwrap();
    assert_eq!(request.request.tool_choice, ToolChoice::Function("look".into()));
}

#[test]
fn empty_stops_do_not_stop_everything() {
    assert!(ChatCompletionRequest::read(with("stop", json!(["", "x"]))).unwrap().request.sampling.stop == ["x"]);
}
