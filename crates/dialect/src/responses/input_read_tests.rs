use crate::responses::ResponsesRequest;
use serde_json::{Value, json};
use yizhan_domain::{Message, Role};

fn read(input: Value) -> yizhan_domain::Result<Vec<Message>> {
    ResponsesRequest::read(json!({"model": "m", "input": input})).map(|read| read.request.messages)
}

#[test]
fn a_text_is_the_users() {
    assert_eq!(read(json!("Hi")).unwrap(), [Message::text(Role::User, "Hi")]);
}

#[test]
fn errors_name_the_field() {
    let part = |part: Value| json!([{"role": "user", "content": [part]}]);
    for (input, wanted) in [
        (json!(1), "input"),
        (json!([]), "input"),
        (json!(["x"]), "input[0]"),
        (json!([{}]), "input[0].type"),
        (json!([{"type": "item_reference", "id": "msg_1"}]), "input[0].type"),
        (json!([{"type": "web_search_call"}]), "input[0].type"),
        (json!([{"role": "tool", "content": "x"}]), "input[0].role"),
        (json!([{"role": "user"}]), "input[0].content"),
        (json!([{"type": "function_call", "name": "f"}]), "input[0].call_id"),
        (json!([{"type": "function_call_output", "call_id": "1"}]), "input[0].output"),
        (json!([{"type": "reasoning", "summary": "x"}]), "input[0].summary"),
        (part(json!({"type": "text_x"})), "input[0].content[0].type"),
        (part(json!({"type": "input_image", "file_id": "f"})), "input[0].content[0].image_url"),
        (part(json!({"type": "input_file", "file_url": "u"})), "input[0].content[0].file_url"),
        (part(json!({"type": "input_file"})), "input[0].content[0].file_data"),
    ] {
        let error = read(input.clone()).unwrap_err();
        assert_eq!(error.parameter(), Some(wanted), "{input}");
    }
}

#[test]
fn calls_belong_to_the_message_before_them() {
    let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    let output = |id: &str| json!({"type": "function_call_output", "call_id": id, "output": "ok"});
    let reasoning = json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "why"}]});
    let input = json!([
        {"role": "user", "content": "x"}, call("1"), call("2"), output("1"), output("2"), reasoning, call("3"),
    ]);
    let messages = read(input).unwrap();
    let turns: Vec<(Role, usize)> = messages.iter().map(|message| (message.role, message.tool_calls.len())).collect();
    let wanted = [(Role::User, 0), (Role::Assistant, 2), (Role::Tool, 0), (Role::Tool, 0), (Role::Assistant, 1)];
    assert_eq!(turns, wanted);
    assert_eq!(messages[4].extra["reasoning_content"], "why");
}

#[test]
fn seals_of_others_are_not_opened() {
    let input = json!([{"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}, {"role": "assistant", "content": "x"}]);
    assert!(read(input).unwrap()[0].extra.is_empty());
}
