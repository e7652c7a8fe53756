use super::error_body;
use crate::openai::ChatCompletionRequest;
use serde_json::{Value, json};

#[test]
fn an_error_says_what_where_and_which() {
    let hi = json!({"role": "user", "content": "Hi"});
    let body = json!({"model": "m", "messages": [hi, hi, {"role": "user", "content": 5}]});
    let error = ChatCompletionRequest::read(body).unwrap_err();
    let golden: Value = serde_json::from_str(include_str!("../../testdata/error.json")).unwrap();
    assert_eq!(error_body(&error), golden);
}
