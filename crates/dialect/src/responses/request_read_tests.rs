use super::ResponsesRequest;
use crate::openai::ChatRequestBody;
use serde_json::{Value, json};
use yizhan_model::ToolChoice;

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn with(key: &str, value: Value) -> Value {
    let mut body = json!({"model": "m", "input": "Hi"});
    body[key] = value;
    body
}

/// The path that the error names.
fn path(body: Value) -> String {
    let error = ResponsesRequest::read(body).unwrap_err();
    error.parameter().unwrap_or_else(|| panic!("no path: {error}")).to_owned()
}

#[test]
fn a_request_with_everything_is_read_as_its_canonical_form() {
    let read = ResponsesRequest::read(golden(include_str!("../../testdata/responses/request.json"))).unwrap();
    assert_eq!(read.retrieval.limit, Some(4));
    let written = json!(ChatRequestBody::new(&read.model, &read.request, false));
    assert_eq!(written, golden(include_str!("../../testdata/responses/request.canonical.json")));
}

#[test]
fn errors_name_the_field() {
    assert_eq!(path(json!({})), "model");
    assert_eq!(path(json!({"model": ""})), "model");
    assert_eq!(path(json!({"model": "m"})), "input");
    for (key, value, wanted) in [
        ("instructions", json!([]), "instructions"),
        ("previous_response_id", json!("resp_1"), "previous_response_id"),
        ("conversation", json!({"id": "c"}), "conversation"),
        ("prompt", json!({"id": "p"}), "prompt"),
        ("moderation", json!({}), "moderation"),
        ("background", json!(true), "background"),
        ("metadata", json!(1), "metadata"),
        ("max_output_tokens", json!(0), "max_output_tokens"),
        ("temperature", json!(3), "temperature"),
        ("include", json!([1]), "include[0]"),
        ("reasoning", json!({"effort": 1}), "reasoning.effort"),
        ("text", json!({"format": {"type": "xml"}}), "text.format.type"),
        ("text", json!({"format": {"type": "json_schema", "name": "x"}}), "text.format.schema"),
        ("tools", json!([{"type": "web_search"}]), "tools[0].type"),
        ("tools", json!([{"type": "function", "function": {"name": "f"}}]), "tools[0].name"),
        ("tool_choice", json!("any"), "tool_choice"),
        ("tool_choice", json!({"type": "mcp"}), "tool_choice.type"),
        ("tool_choice", json!({"type": "function"}), "tool_choice.name"),
        ("tool_choice", json!({"type": "allowed_tools", "tools": [], "mode": "x"}), "tool_choice.mode"),
    ] {
        assert_eq!(path(with(key, value)), wanted, "{key}");
    }
}

#[test]
fn a_tool_may_be_named() {
    let read = ResponsesRequest::read(with("tool_choice", json!({"type": "function", "name": "look"}))).unwrap();
    assert_eq!(read.request.tool_choice, ToolChoice::Function("look".into()));
}

#[test]
fn nothing_of_the_route_itself_goes_to_models() {
    let mut body = with("store", json!(true));
    for key in ["background", "truncation", "max_tool_calls", "stream_options", "previous_response_id", "reasoning"] {
        body[key] = Value::Null;
    }
    body["metadata"] = json!({"a": "b"});
    body["include"] = json!([]);
    let read = ResponsesRequest::read(body).unwrap();
    assert!(read.request.extra.is_empty(), "{:?}", read.request.extra);
}
