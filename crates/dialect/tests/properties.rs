//! No JSON makes a reader panic, and what is written is read back the same.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::replaced;
use yizhan_dialect::openai::{
    AttachRequest, ChatCompletionRequest, ChatRequestBody, EmbeddingRequest, SearchRequest, VectorStoreRequest,
    VectorStoreUpdate, read_attributes_update, read_batch_request,
};
use yizhan_dialect::parse_json;

const REQUEST: &str = include_str!("../testdata/chat_request.json");

const WORDS: &[&str] = &["user", "function", "text", "auto", "static", "json_schema"];
const NAMES: &[&str] = &["type", "role", "content", "function", "name", "static", "file_id", "key"];

fn any_json() -> impl Strategy<Value = Value> {
    support::any_json(WORDS, NAMES)
}

/// What is read from what was written.
fn again(read: &ChatCompletionRequest) -> ChatCompletionRequest {
    let written = json!(ChatRequestBody::new(&read.model, &read.request, read.include_usage));
    ChatCompletionRequest::read(written).unwrap_or_else(|error| panic!("{error}"))
}

fn read_everything(value: &Value) {
    let _ = ChatCompletionRequest::read(value.clone()).map(|read| again(&read));
    let _ = EmbeddingRequest::read(value.clone());
    let _ = VectorStoreRequest::read(value.clone());
    let _ = VectorStoreUpdate::read(value.clone());
    let _ = AttachRequest::read(value.clone());
    let _ = SearchRequest::read(value.clone());
    let _ = read_batch_request(value.clone());
    let _ = read_attributes_update(value.clone());
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
    fn a_request_with_one_part_replaced_never_panics(at in 0usize..90, with in any_json()) {
        read_everything(&replaced(REQUEST, at, with));
    }

    #[test]
    fn what_was_read_is_written_and_read_the_same(at in 0usize..90, with in any_json()) {
        if let Ok(read) = ChatCompletionRequest::read(replaced(REQUEST, at, with)) {
            prop_assert_eq!(again(&read).request, read.request);
        }
    }

    #[test]
    fn sampling_survives_a_round_trip(
        temperature in 0f32..=2.0,
        top_p in 0f32..=1.0,
        seed in any::<i64>(),
        max_tokens in 1u32..,
        stop in vec(".{1,9}", 0..4),
        text in ".*",
    ) {
        let body = json!({
            "model": "m",
            "messages": [{"role": "user", "content": text}],
            "temperature": temperature,
            "top_p": top_p,
            "seed": seed,
            "max_tokens": max_tokens,
            "stop": stop,
        });
        let read = ChatCompletionRequest::read(body).unwrap();
        let sampling = &read.request.sampling;
        prop_assert_eq!(sampling.temperature, Some(temperature));
        prop_assert_eq!((sampling.seed, sampling.max_tokens), (Some(seed.cast_unsigned()), Some(max_tokens)));
        prop_assert_eq!(again(&read), read);
    }
}
