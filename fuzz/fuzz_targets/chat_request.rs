//! `/v1/chat/completions`: what is read is written and read again the same, for OpenAI's vendors and for Anthropic's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use yizhan_dialect::anthropic::write_message_request;
use yizhan_dialect::openai::{ChatCompletionRequest, write_chat_request};
use yizhan_fuzz::{json, refused};

fuzz_target!(|data: &[u8]| {
    let Some(body) = json(data) else { return };
    let read = match ChatCompletionRequest::read(body) {
        Ok(read) => read,
        Err(error) => return refused(&error),
    };
    let written = write_chat_request(&read.model, &read.request, read.include_usage);
    let again = ChatCompletionRequest::read(Value::Object(written.clone())).expect("what was written can be read");
    // A schema without a name gets one, so that what was written is compared.
    assert_eq!(write_chat_request(&again.model, &again.request, again.include_usage), written);
    if let Err(error) = write_message_request(&read.model, &read.request, 1024) {
        refused(&error);
    }
});
