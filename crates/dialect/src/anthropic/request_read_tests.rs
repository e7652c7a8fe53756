use super::{MessagesRequest, count_reply};
use crate::openai::ChatRequestBody;
use serde_json::{Value, json};
use yizhan_model::ToolChoice;

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn with(key: &str, value: Value) -> Value {
    let mut body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]});
    body[key] = value;
    body
}

/// The path that the error names.
fn path(body: Value) -> String {
    let error = MessagesRequest::read(body).unwrap_err();
    error.parameter().unwrap_or_else(|| panic!("no path: {error}")).to_owned()
}

#[test]
fn a_request_with_everything_is_read_as_its_canonical_form() {
    let read = MessagesRequest::read(golden(include_str!("../../testdata/anthropic/request.json"))).unwrap();
    assert_eq!(read.retrieval.limit, Some(4));
    let written = json!(ChatRequestBody::new(&read.model, &read.request, false));
    assert_eq!(written, golden(include_str!("../../testdata/anthropic/request.canonical.json")));
}

#[test]
fn counting_needs_no_limit() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    assert_eq!(path(body.clone()), "max_tokens");
    assert_eq!(MessagesRequest::read_count(body).unwrap().request.sampling.max_tokens, None);
    assert_eq!(count_reply(7), json!({"input_tokens": 7}));
}

#[test]
fn errors_name_the_field() {
    assert_eq!(path(json!({})), "model");
    assert_eq!(path(json!({"model": ""})), "model");
    assert_eq!(path(json!({"model": "m", "max_tokens": 1})), "messages");
    for (key, value, wanted) in [
        ("max_tokens", json!(0), "max_tokens"),
        ("system", json!(1), "system"),
        ("system", json!([{"type": "text"}]), "system[0].text"),
        ("temperature", json!("hot"), "temperature"),
        ("stop_sequences", json!("x"), "stop_sequences"),
        ("tools", json!([{"name": "f"}]), "tools[0].input_schema"),
        ("tools", json!([{"input_schema": {}}]), "tools[0].name"),
        ("tool_choice", json!("auto"), "tool_choice"),
        ("tool_choice", json!({"type": "required"}), "tool_choice.type"),
        ("tool_choice", json!({"type": "tool"}), "tool_choice.name"),
        ("output_config", json!({"format": {"type": "json_object"}}), "output_config.format.type"),
        ("output_config", json!({"format": {"type": "json_schema"}}), "output_config.format.schema"),
        ("retrieval", json!({"topk": 5}), "retrieval.topk"),
    ] {
        assert_eq!(path(with(key, value)), wanted, "{key}");
    }
}

#[test]
fn tool_choices() {
    let read = |value| MessagesRequest::read(with("tool_choice", value)).unwrap().request;
    assert_eq!(read(json!({"type": "none"})).tool_choice, ToolChoice::None);
    assert_eq!(read(json!({"type": "auto"})).tool_choice, ToolChoice::Auto);
    assert_eq!(read(json!({"type": "tool", "name": "look"})).tool_choice, ToolChoice::Function("look".into()));
    let parallel = read(json!({"type": "any", "disable_parallel_tool_use": false}));
    assert!(!parallel.extra.contains_key("parallel_tool_calls"));
}
