//! No JSON makes a reader panic, and what is written is read back the same.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};
use yizhan_dialect::openai::{
    AttachRequest, ChatCompletionRequest, EmbeddingRequest, SearchRequest, VectorStoreRequest, VectorStoreUpdate,
    read_attributes_update, read_batch_request, write_chat_request,
};
use yizhan_dialect::parse_json;

const REQUEST: &str = include_str!("../testdata/chat_request.json");

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["user", "function", "text", "auto", "static", "json_schema"]).prop_map(Value::from),
    ];
    let keys = prop_oneof![
        ".{0,6}",
        prop::sample::select(vec!["type", "role", "content", "function", "name", "static", "file_id", "key"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(keys.clone(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The document with its `at`-th node, counted from the root, replaced.
fn replaced(mut document: Value, mut at: usize, with: Value) -> Value {
    fn replace(value: &mut Value, at: &mut usize, with: &mut Option<Value>) {
        if *at == 0 {
            if let Some(with) = with.take() {
                *value = with;
            }
            return;
        }
        *at -= 1;
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| {
                if with.is_some() {
                    replace(item, at, with);
                }
            }),
            Value::Object(map) => map.values_mut().for_each(|item| {
                if with.is_some() {
                    replace(item, at, with);
                }
            }),
            _ => {}
        }
    }
    let mut with = Some(with);
    replace(&mut document, &mut at, &mut with);
    document
}

/// What is read from what was written.
fn again(read: &ChatCompletionRequest) -> ChatCompletionRequest {
    let written = write_chat_request(&read.model, &read.request, read.include_usage);
    ChatCompletionRequest::read(Value::Object(written)).unwrap_or_else(|error| panic!("{error}"))
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
        let request: Value = serde_json::from_str(REQUEST).unwrap();
        read_everything(&replaced(request, at, with));
    }

    #[test]
    fn what_was_read_is_written_and_read_the_same(at in 0usize..90, with in any_json()) {
        let request: Value = serde_json::from_str(REQUEST).unwrap();
        if let Ok(read) = ChatCompletionRequest::read(replaced(request, at, with)) {
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
