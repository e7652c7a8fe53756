//! Readers of the other dialects never panic, and a streamed reply adds up to the whole one.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::replaced;
use yizhan_dialect::anthropic::{MessageReply, MessageWriter, MessagesRequest, make_neutral};
use yizhan_dialect::openai::ModerationRequest;
use yizhan_dialect::responses::{Echo, ResponseReply, ResponseWriter, ResponsesRequest};
use yizhan_dialect::{NamedEvent, RerankRequest, RerankVersion, parse_json, rerank_reply};
use yizhan_domain::{Citation, Fields, FinishReason, ToolCallPiece, Usage};
use yizhan_model::ChatEvent;

const MESSAGES: &str = include_str!("../testdata/anthropic/request.json");
const RESPONSES: &str = include_str!("../testdata/responses/request.json");

const WORDS: &[&str] = &[
    "user",
    "assistant",
    "text",
    "image",
    "document",
    "tool_use",
    "tool_result",
    "thinking",
    "function",
    "base64",
    "url",
    "reasoning",
    "message",
    "function_call",
    "input_text",
    "input_image",
    "json_schema",
];
const NAMES: &[&str] =
    &["type", "role", "content", "source", "input", "name", "text", "thinking", "output", "user_id", "effort"];

fn any_json() -> impl Strategy<Value = Value> {
    support::any_json(WORDS, NAMES)
}

fn read_everything(value: &Value) {
    for read in [MessagesRequest::read, MessagesRequest::read_count] {
        if let Ok(mut read) = read(value.clone()) {
            let _ = make_neutral(&mut read.request);
        }
    }
    if let Ok(read) = ResponsesRequest::read(value.clone()) {
        let reply = ResponseReply::default();
        assert_eq!(reply.write("resp_1", 0, "m", &read.echo)["object"], "response");
    }
    for version in [RerankVersion::V1, RerankVersion::V2] {
        if let Ok(read) = RerankRequest::read(value.clone(), version) {
            let _ = rerank_reply("r", &read, &vec![0.5; read.documents.len()], None);
        }
    }
    let _ = ModerationRequest::read(value.clone());
}

fn piece(index: u32, arguments: String, begins: bool) -> ChatEvent {
    let (id, name) = if begins { (Some(format!("id-{index}")), Some("look".to_owned())) } else { (None, None) };
    ChatEvent::ToolCall { choice: 0, piece: ToolCallPiece { index, id, name, arguments, extra: Fields::new() } }
}

fn extra(choice: Option<u32>, fields: Value) -> ChatEvent {
    ChatEvent::Extra { choice, fields: fields.as_object().cloned().unwrap_or_default() }
}

fn citation(index: u32, page: Option<u32>) -> Citation {
    let (file_id, filename) = ("file-a".into(), "手册.pdf".into());
    Citation { index, file_id, filename, page, quote: "泵".into(), boxes: Vec::new() }
}

/// Any event, in any order; arguments are whole, broken or in pieces.
fn any_event() -> impl Strategy<Value = ChatEvent> {
    let pieces = prop::sample::select(vec!["{}", "{", "}", "\"泵\":", "1", "{\"a\": \"é\"}", "", "[", " "]);
    let reasons = vec![FinishReason::Stop, FinishReason::Length, FinishReason::ToolCalls, FinishReason::ContentFilter];
    let own = ["thinking", "redacted_thinking", "server_tool_use"];
    prop_oneof![
        4 => (0..2u32, "\\PC{0,5}").prop_map(|(choice, delta)| ChatEvent::Text { choice, delta }),
        2 => (0..2u32, "\\PC{0,5}").prop_map(|(choice, delta)| ChatEvent::Reasoning { choice, delta }),
        4 => (0..3u32, pieces, any::<bool>()).prop_map(|(index, text, begins)| piece(index, text.to_owned(), begins)),
        1 => prop::sample::select(own.to_vec()).prop_map(|kind| {
            extra(Some(0), json!({"thinking_blocks": [{"type": kind, "thinking": "x", "signature": "s"}]}))
        }),
        1 => Just(extra(Some(0), json!({"refusal": "No.", "logprobs": {"content": [{"token": "x"}]}}))),
        1 => Just(extra(Some(0), json!({"citations": [{"type": "char_location"}], "stop_sequence": "#"}))),
        1 => any_json().prop_map(|value| extra(Some(0), json!({
            "refusal": value, "thinking_blocks": [value], "content_blocks": value, "citations": value,
            "logprobs": value, "native_finish_reason": value, "stop_sequence": value,
        }))),
        1 => any_json().prop_map(|value| extra(None, json!({"service_tier": value}))),
        1 => (prop::sample::select(reasons), 0..3u32).prop_map(|(reason, count)| {
            let citations = (1..=count).map(|index| citation(index, (index % 2 == 0).then_some(index))).collect();
            ChatEvent::Finish { choice: 0, reason, citations }
        }),
    ]
}

/// Pieces, one finish, one end: what every model sends. And now and then a finish too many.
fn any_answer() -> impl Strategy<Value = Vec<ChatEvent>> {
    vec(any_event(), 0..14).prop_map(|mut events| {
        events.push(ChatEvent::finish(FinishReason::Stop));
        events.push(ChatEvent::End { usage: Usage { prompt_tokens: 9, completion_tokens: 5, ..Usage::default() } });
        events
    })
}

fn data(event: &NamedEvent) -> Value {
    let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    assert_eq!(data["type"], event.name);
    data
}

/// What Anthropic's clients make of a stream.
fn join_message(events: &[Value]) -> Value {
    let mut message = Value::Null;
    let (mut open, mut arguments) = (None, String::new());
    for event in events {
        match event["type"].as_str() {
            Some("message_start") => message = event["message"].clone(),
            Some("content_block_start") => {
                assert_eq!(open, None, "one block at a time");
                open = event["index"].as_u64();
                let content = message["content"].as_array_mut().map(|content| {
                    content.push(event["content_block"].clone());
                    content.len() as u64 - 1
                });
                assert_eq!(content, open);
                arguments.clear();
            }
            Some("content_block_delta") => {
                assert_eq!(open, event["index"].as_u64());
                let block = message["content"].as_array_mut().and_then(|content| content.last_mut());
                let (block, delta) = (block.into_iter().next(), &event["delta"]);
                let Some(block) = block else { continue };
                let mut grow = |key: &str| {
                    let text = format!("{}{}", block[key].as_str().unwrap_or(""), delta[key].as_str().unwrap_or(""));
                    block[key] = json!(text);
                };
                match delta["type"].as_str() {
                    Some("text_delta") => grow("text"),
                    Some("thinking_delta") => grow("thinking"),
                    Some("signature_delta") => grow("signature"),
                    Some("input_json_delta") => arguments.push_str(delta["partial_json"].as_str().unwrap_or("")),
                    _ => match block.get_mut("citations").and_then(Value::as_array_mut) {
                        Some(citations) => citations.push(delta["citation"].clone()),
                        None => block["citations"] = json!([delta["citation"]]),
                    },
                }
            }
            Some("content_block_stop") => {
                assert_eq!(open.take(), event["index"].as_u64());
                let block = message["content"].as_array_mut().and_then(|content| content.last_mut());
                if let Some(block) = block.filter(|block| block["type"] == "tool_use") {
                    block["input"] = match serde_json::from_str(&arguments) {
                        Ok(Value::Object(input)) => Value::Object(input),
                        _ if arguments.trim().is_empty() => json!({}),
                        _ => json!({"raw_arguments": arguments}),
                    };
                }
            }
            Some("message_delta") => {
                for (key, value) in event["delta"].as_object().into_iter().flatten() {
                    message[key] = value.clone();
                }
                message["usage"] = event["usage"].clone();
            }
            _ => {}
        }
    }
    message
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(value) = parse_json(&bytes) {
            read_everything(&value);
        }
    }

    #[test]
    fn json_never_panics(value in any_json()) {
        read_everything(&value);
    }

    #[test]
    fn a_request_with_one_part_replaced_never_panics(at in 0usize..200, with in any_json()) {
        read_everything(&replaced(MESSAGES, at, with.clone()));
        read_everything(&replaced(RESPONSES, at, with));
    }

    #[test]
    fn a_streamed_message_adds_up_to_the_whole(events in any_answer()) {
        let (mut reply, mut writer) = (MessageReply::default(), MessageWriter::new("msg_1", "m", 0));
        let mut written = vec![writer.start()];
        for event in events {
            written.extend(writer.write(event.clone()));
            reply.take(event);
        }
        let events: Vec<Value> = written.iter().map(data).collect();
        prop_assert_eq!(join_message(&events), reply.write("msg_1", "m"));
        prop_assert_eq!(&events[events.len() - 1]["type"], "message_stop");
    }

    #[test]
    fn a_streamed_response_adds_up_to_the_whole(events in any_answer(), summary in any::<bool>()) {
        let body = json!({"model": "m", "input": "x", "reasoning": {"summary": summary.then_some("auto")}});
        let echo = ResponsesRequest::read(body).map_or_else(|_| Echo::default(), |read| read.echo);
        let (mut reply, mut writer) =
            (ResponseReply::default(), ResponseWriter::new("resp_1", 7, "m", echo.clone()));
        let mut written = writer.start();
        for event in events {
            written.extend(writer.write(event.clone()));
            reply.take(event);
        }
        let events: Vec<Value> = written.iter().map(data).collect();
        for (number, event) in events.iter().enumerate() {
            prop_assert_eq!(event["sequence_number"].as_u64(), Some(number as u64));
        }
        let whole = reply.write("resp_1", 7, "m", &echo);
        prop_assert_eq!(&events[events.len() - 1]["response"], &whole);
        let done: Vec<&Value> =
            events.iter().filter(|event| event["type"] == "response.output_item.done").map(|event| &event["item"]).collect();
        prop_assert_eq!(json!(done), whole["output"].clone());
        // Every item's text is what its deltas add up to.
        for (index, item) in done.iter().enumerate() {
            let deltas = events.iter().filter(|event| event["output_index"] == index).filter_map(|event| event["delta"].as_str());
            let text: String = deltas.collect();
            let places = [
                &item["content"][0]["text"], &item["content"][0]["refusal"], &item["summary"][0]["text"], &item["arguments"],
            ];
            prop_assert_eq!(text.as_str(), places.iter().find_map(|place| place.as_str()).unwrap_or(""));
        }
    }
}

/// Another dialect's words in a request of this one, each with something that nobody checked.
fn smuggled() -> Value {
    let other = json!([{"role": "user", "content": "smuggled"}]);
    json!({
        "messages": other, "input": "smuggled", "instructions": "smuggled", "system": "smuggled", "n": 100,
        "max_tokens": 9999, "max_completion_tokens": 9999, "max_output_tokens": 9999, "stop": ["smuggled"],
        "stop_sequences": ["smuggled"], "stream": true, "stream_options": {"include_usage": false}, "seed": 9999,
        "response_format": {"type": "json_object"}, "frequency_penalty": 2, "top_k": 9999,
    })
}

/// The body with what is smuggled beside its own fields.
fn with_smuggled(mut own: Value) -> Value {
    if let (Value::Object(own), Value::Object(other)) = (&mut own, smuggled()) {
        for (key, value) in other {
            own.entry(key).or_insert(value);
        }
    }
    own
}

#[test]
fn no_dialects_words_take_the_place_of_what_was_read_in_another() {
    let question = json!([{"role": "user", "content": "checked"}]);
    let mut own = json!({"model": "m", "messages": question, "max_tokens": 5, "system": null});
    let anthropic = MessagesRequest::read(with_smuggled(own.clone())).unwrap().request;
    own["max_completion_tokens"] = json!(5);
    own["n"] = json!(1);
    own.as_object_mut().unwrap().shift_remove("system");
    let chat = yizhan_dialect::openai::ChatCompletionRequest::read(with_smuggled(own)).unwrap().request;
    let own = json!({"model": "m", "input": "checked", "max_output_tokens": 5, "instructions": null});
    let responses = ResponsesRequest::read(with_smuggled(own)).unwrap().request;
    for (name, mut request) in [("messages", anthropic), ("chat", chat), ("responses", responses)] {
        request.response_format = Default::default();
        let theirs = yizhan_dialect::anthropic::write_message_request("m", &request, 7).unwrap();
        let said = request.messages.len();
        assert_eq!(theirs["max_tokens"], 5, "{name}");
        assert_eq!(theirs["messages"], json!([{"role": "user", "content": "checked"}]), "{name}");
        make_neutral(&mut request).unwrap();
        let ours = json!(yizhan_dialect::openai::ChatRequestBody::new("m", &request, true));
        assert_eq!((&ours["max_tokens"], ours.get("max_completion_tokens")), (&json!(5), None), "{name}");
        assert_eq!((ours["messages"].as_array().unwrap().len(), ours.get("n")), (said, None), "{name}: {ours:?}");
        assert!(!theirs.contains_key("system"), "{name}: {theirs:?}");
    }
}

#[test]
fn no_fields_beside_a_message_take_the_place_of_its_words() {
    let beside = json!({"tool_calls": [{"id": "smuggled", "function": {"name": "f", "arguments": "{}"}}],
        "function": {"name": "smuggled", "arguments": "{}"}, "image_url": "smuggled", "input": {"smuggled": 1}});
    let with = |mut own: Value| {
        own.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        own
    };
    let image = json!({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}});
    let mut call = with(json!({"type": "tool_use", "id": "c", "name": "look"}));
    call["input"] = json!({"checked": 1});
    let body = json!({"model": "m", "max_tokens": 5, "messages": [
        with(json!({"role": "user", "content": [with(json!({"type": "text", "text": "checked"})), with(image)]})),
        with(json!({"role": "assistant", "content": [call]})),
    ]});
    // A reader may refuse what it does not know; what it takes must not be changed by it.
    let Ok(mut read) = MessagesRequest::read(body) else { return };
    if make_neutral(&mut read.request).is_ok() {
        let written = json!(yizhan_dialect::openai::ChatRequestBody::new("m", &read.request, true));
        assert_eq!(written["messages"][0].get("tool_calls"), None, "{written}");
        assert_eq!(written["messages"][0]["content"][0]["text"], "checked");
        assert_eq!(written["messages"][0]["content"][1]["image_url"]["url"], "https://example.com/a.png");
        assert_eq!(written["messages"][1]["tool_calls"][0]["function"]["name"], "look", "{written}");
    }
}
