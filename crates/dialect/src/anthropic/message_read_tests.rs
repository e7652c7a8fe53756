use crate::anthropic::MessagesRequest;
use serde_json::{Value, json};
use yizhan_domain::{Content, Message, Role};

fn read(messages: Value) -> yizhan_domain::Result<Vec<Message>> {
    let body = json!({"model": "m", "max_tokens": 9, "messages": messages});
    MessagesRequest::read(body).map(|read| read.request.messages)
}

#[test]
fn errors_name_the_field() {
    for (messages, wanted) in [
        (json!([]), "messages"),
        (json!([5]), "messages[0]"),
        (json!([{"role": "tool", "content": "x"}]), "messages[0].role"),
        (json!([{"role": "user"}]), "messages[0].content"),
        (json!([{"role": "user", "content": 1}]), "messages[0].content"),
        (json!([{"role": "user", "content": ["x"]}]), "messages[0].content[0]"),
        (json!([{"role": "user", "content": [{"type": "tool_result"}]}]), "messages[0].content[0].tool_use_id"),
        (json!([{"role": "user", "content": [{"type": "tool_use"}]}]), "messages[0].content[0].type"),
        (json!([{"role": "user", "content": [{"type": "image"}]}]), "messages[0].content[0].source"),
        (
            json!([{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": ""}}]}]),
            "messages[0].content[0].source.media_type",
        ),
        (json!([{"role": "assistant", "content": [{"type": "tool_use", "id": "1"}]}]), "messages[0].content[0].name"),
        (
            json!([{"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": "{}"}]}]),
            "messages[0].content[0].input",
        ),
        (
            json!([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [{}]}]}]),
            "messages[0].content[0].content[0].type",
        ),
    ] {
        let error = read(messages.clone()).unwrap_err();
        assert_eq!(error.parameter(), Some(wanted), "{messages}");
    }
}

#[test]
fn results_and_text_keep_their_order() {
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "ok"});
    let text = |text: &str| json!({"type": "text", "text": text});
    let messages =
        read(json!([{"role": "user", "content": [text("a"), result("1"), result("2"), text("b")]}])).unwrap();
    let roles: Vec<Role> = messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Tool, Role::Tool, Role::User]);
    assert_eq!(messages[2].tool_call_id.as_deref(), Some("2"));
    assert_eq!(messages[3].content, Content::Text("b".into()));
}

#[test]
fn thinking_behind_a_text_begins_another_message() {
    let thinking = |text: &str| json!({"type": "thinking", "thinking": text, "signature": "s"});
    let content = json!([
        thinking("a"),
        {"type": "text", "text": "b"},
        thinking("c"),
        {"type": "tool_use", "id": "1", "name": "f", "input": {}},
    ]);
    let messages = read(json!([{"role": "assistant", "content": content}])).unwrap();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].extra["thinking_blocks"], json!([thinking("a")]));
    assert_eq!(messages[1].extra["thinking_blocks"], json!([thinking("c")]));
    assert_eq!(messages[1].tool_calls[0].arguments, "{}");
}

#[test]
fn an_empty_turn_is_still_a_turn() {
    let messages = read(json!([{"role": "user", "content": []}, {"role": "assistant", "content": []}])).unwrap();
    assert_eq!(messages, [Message::text(Role::User, ""), Message::text(Role::Assistant, "")]);
}
