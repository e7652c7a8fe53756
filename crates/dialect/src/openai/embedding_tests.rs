use super::{EmbeddingEncoding, EmbeddingRequest, InputType, embedding_reply};
use serde_json::{Value, json};

fn read(body: Value) -> yizhan_domain::Result<EmbeddingRequest> {
    EmbeddingRequest::read(body)
}

#[test]
fn one_text_or_many() {
    assert_eq!(read(json!({"model": "m", "input": "a"})).unwrap().inputs, ["a"]);
    let request = read(json!({
        "model": "m", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 384, "input_type": "query",
    }));
    let request = request.unwrap();
    assert_eq!((request.inputs.len(), request.encoding), (2, EmbeddingEncoding::Base64));
    assert_eq!((request.dimensions, request.input_type), (Some(384), InputType::Query));
}

#[test]
fn errors_name_the_field() {
    for (input, wanted) in [
        (json!(null), "input"),
        (json!(""), "input"),
        (json!([]), "input"),
        (json!(["a", ""]), "input[1]"),
        (json!([1, 2]), "input[0]"),
        (json!([[1, 2]]), "input[0]"),
        (json!(["a", {}]), "input[1]"),
        (json!(vec!["a"; 2049]), "input"),
    ] {
        assert_eq!(read(json!({"model": "m", "input": input})).unwrap_err().parameter(), Some(wanted));
    }
    assert!(read(json!({"model": "m", "input": [[1]]})).unwrap_err().message().contains("token numbers"));
    let error = read(json!({"model": "m", "input": "a", "encoding_format": "hex"})).unwrap_err();
    assert_eq!(error.parameter(), Some("encoding_format"));
}

#[test]
fn numbers_are_written_short() {
    let rows: [&[f32]; 2] = [&[0.1, -0.5], &[1.0, 0.0]];
    let text = embedding_reply("e5", rows.into_iter(), EmbeddingEncoding::Float, 9);
    let golden: Value = serde_json::from_str(include_str!("../../testdata/embeddings.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), golden);
    assert!(text.contains("[0.1,-0.5]"), "{text}");
}

#[test]
fn base64_holds_the_same_numbers() {
    let rows: [&[f32]; 1] = [&[1.0, -2.5]];
    let text = embedding_reply("e5", rows.into_iter(), EmbeddingEncoding::Base64, 1);
    assert!(text.contains("\"embedding\":\"AACAPwAAIMA=\""), "{text}");
}
