use super::make_neutral;
use crate::anthropic::MessagesRequest;
use crate::openai::{ChatCompletionRequest, ChatRequestBody};
use crate::responses::ResponsesRequest;
use serde_json::{Value, json};

fn read(body: Value) -> MessagesRequest {
    MessagesRequest::read(body).unwrap()
}

fn with(key: &str, value: Value) -> Value {
    let mut body: Value = serde_json::from_str(include_str!("../../testdata/anthropic/request.json")).unwrap();
    // What runs or lies at Anthropic is refused; it has a test of its own.
    body["messages"][0]["content"].as_array_mut().unwrap().remove(2);
    body["tools"].as_array_mut().unwrap().pop();
    body[key] = value;
    body
}

#[test]
fn nothing_of_anthropics_is_left() {
    let mut request = read(with("stream", json!(true))).request;
    make_neutral(&mut request).unwrap();
    let written = json!(ChatRequestBody::new("m", &request, false));
    let wanted: Value = serde_json::from_str(include_str!("../../testdata/anthropic/request.neutral.json")).unwrap();
    assert_eq!(written, wanted);
    // It is one that OpenAI's own reader takes.
    let again = ChatCompletionRequest::read(written.clone()).unwrap();
    assert_eq!(json!(ChatRequestBody::new("m", &again.request, false)), written);
}

#[test]
fn documents_become_files_or_text() {
    let document = |source: Value| json!([{"role": "user", "content": [{"type": "document", "source": source}]}]);
    let mut request = read(with("messages", document(json!({"type": "base64", "data": "AA=="})))).request;
    make_neutral(&mut request).unwrap();
    let written = json!(ChatRequestBody::new("m", &request, false));
    let file = &written["messages"][1]["content"][0]["file"];
    assert_eq!(*file, json!({"filename": "document.pdf", "file_data": "data:application/pdf;base64,AA=="}));
    let mut request = read(with("messages", document(json!({"type": "url", "url": "https://example.com"})))).request;
    assert_eq!(make_neutral(&mut request).unwrap_err().parameter(), Some("messages"));
}

#[test]
fn what_runs_at_anthropic_is_refused() {
    for (key, value, wanted) in [
        ("tools", json!([{"type": "web_search_20250305", "name": "web_search"}]), "tools[0].type"),
        ("mcp_servers", json!([{}]), "mcp_servers"),
        ("messages", json!([{"role": "assistant", "content": [{"type": "server_tool_use"}]}]), "messages"),
    ] {
        let mut request = read(with(key, value)).request;
        assert_eq!(make_neutral(&mut request).unwrap_err().parameter(), Some(wanted), "{key}");
    }
}

#[test]
fn a_request_in_openais_words_stays_as_it_is() {
    let body = serde_json::from_str(include_str!("../../testdata/responses/request.json")).unwrap();
    let mut request = ResponsesRequest::read(body).unwrap().request;
    request.extra.insert("service_tier".into(), json!("flex"));
    let before = request.clone();
    make_neutral(&mut request).unwrap();
    assert!(request.messages[3].extra.shift_remove("thinking_blocks").is_none());
    let mut wanted = before;
    wanted.messages[3].extra.shift_remove("thinking_blocks");
    assert_eq!(request, wanted);
}
