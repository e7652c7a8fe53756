//! `/v1/messages` and its `count_tokens`: written in Anthropic's form a second time it is the same as the first, and
//! it can be made fit for other vendors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use yizhan_dialect::anthropic::{MessagesRequest, make_neutral, write_message_request};
use yizhan_dialect::openai::{ChatCompletionRequest, write_chat_request};
use yizhan_fuzz::{json, refused};

fuzz_target!(|data: &[u8]| {
    let Some(body) = json(data) else { return };
    if let Err(error) = MessagesRequest::read_count(body.clone()) {
        refused(&error);
    }
    let mut read = match MessagesRequest::read(body) {
        Ok(read) => read,
        Err(error) => return refused(&error),
    };
    match write_message_request(&read.model, &read.request, 1024) {
        Ok(first) => {
            let again = MessagesRequest::read(Value::Object(first.clone())).expect("what was written can be read");
            let second = write_message_request(&again.model, &again.request, 1024).expect("and written again");
            // Turns of one side are joined, and within one texts come before calls: that takes two steps.
            let again = MessagesRequest::read(Value::Object(second.clone())).expect("read a third time");
            assert_eq!(write_message_request(&again.model, &again.request, 1024).expect("and written"), second);
        }
        Err(error) => refused(&error),
    }
    match make_neutral(&mut read.request) {
        Ok(()) => {
            let written = write_chat_request(&read.model, &read.request, false);
            let again = ChatCompletionRequest::read(Value::Object(written.clone()))
                .unwrap_or_else(|error| panic!("no vendor would read it: {error}\n{written:?}"));
            // No other dialect's word for something takes the place of what was read and checked.
            assert_eq!(again.request.messages.len(), read.request.messages.len(), "{written:?}");
            assert_eq!(again.request.sampling.max_tokens, read.request.sampling.max_tokens, "{written:?}");
        }
        Err(error) => refused(&error),
    }
});
