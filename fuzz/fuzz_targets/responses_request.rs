//! `/v1/responses`: what is read can be sent to any vendor, and echoed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use yizhan_dialect::anthropic::make_neutral;
use yizhan_dialect::openai::{ChatCompletionRequest, write_chat_request};
use yizhan_dialect::responses::{ResponseReply, ResponseWriter, ResponsesRequest};
use yizhan_fuzz::{json, refused};

fuzz_target!(|data: &[u8]| {
    let Some(body) = json(data) else { return };
    let mut read = match ResponsesRequest::read(body) {
        Ok(read) => read,
        Err(error) => return refused(&error),
    };
    let reply = ResponseReply::default().write("resp_1", 0, &read.model, &read.echo);
    assert_eq!(reply["object"], "response");
    for event in ResponseWriter::new("resp_1", 0, read.model.as_str(), read.echo.clone()).start() {
        let data: Value = serde_json::from_str(&event.data).expect("JSON");
        assert_eq!(data["type"], event.name);
    }
    if let Err(error) = make_neutral(&mut read.request) {
        return refused(&error);
    }
    let written = write_chat_request(&read.model, &read.request, false);
    let again = ChatCompletionRequest::read(Value::Object(written.clone()))
        .unwrap_or_else(|error| panic!("no vendor would read it: {error}\n{written:?}"));
    // No other dialect's word for something takes the place of what was read and checked.
    assert_eq!(again.request.messages.len(), read.request.messages.len(), "{written:?}");
    assert_eq!(again.request.sampling.max_tokens, read.request.sampling.max_tokens, "{written:?}");
    assert_eq!(again.request.more_choices, 0);
    let twice = write_chat_request(&again.model, &again.request, false);
    assert_eq!(twice, written);
});
