use super::{MOST_MODEL, Object, parse_json};
use serde_json::{Value, json};
use yizhan_domain::ErrorCode;

#[test]
fn malformed_json_is_an_error_with_its_position() {
    let error = parse_json(b"{\"model\": \"m\",\n \"messages\": [}").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    assert!(error.message().contains("line 2 column 15"), "{error}");
}

#[test]
fn bytes_that_are_not_utf8_are_an_error_with_their_offset() {
    let error = parse_json(b"{\"a\": \"\xff\"}").unwrap_err();
    assert!(error.message().contains("offset 7"), "{error}");
}

#[test]
fn deep_nesting_is_an_error_and_no_stack_overflow() {
    let body = "[".repeat(1 << 20);
    assert!(parse_json(body.as_bytes()).unwrap_err().message().contains("recursion limit"));
}

#[test]
fn an_empty_body_says_so() {
    assert!(parse_json(b" \n").unwrap_err().message().contains("empty"));
}

#[test]
fn errors_name_the_path() {
    let mut outer = Object::body(json!({"a": {"b": [1], "n": 3.5}})).unwrap();
    let mut inner = outer.object("a").unwrap().unwrap();
    assert_eq!(inner.strings("b").unwrap_err().parameter(), Some("a.b[0]"));
    assert_eq!(inner.integer("n", 0..=9).unwrap_err().parameter(), Some("a.n"));
    assert_eq!(inner.required_string("c").unwrap_err().message(), "'a.c' is missing.");
}

#[test]
fn whole_numbers_may_be_written_as_floats() {
    let mut object = Object::body(json!({"a": 3.0, "b": 1e300, "c": null})).unwrap();
    assert_eq!(object.integer("a", 0..=9).unwrap(), Some(3));
    assert!(object.integer("b", 0..=9).is_err());
    assert_eq!(object.integer("c", 0..=9).unwrap(), None);
}

#[test]
fn a_models_name_is_a_name() {
    let read = |model: Value| Object::body(json!({"model": model})).unwrap().model();
    assert_eq!(read(json!("qwen3")).unwrap(), "qwen3");
    assert_eq!(read(json!("字".repeat(MOST_MODEL / 3))).unwrap().len(), MOST_MODEL / 3 * 3);
    for wrong in [json!(null), json!(""), json!(5), json!("x".repeat(MOST_MODEL + 1)), json!("x".repeat(1 << 20))] {
        let error = read(wrong).unwrap_err();
        assert_eq!(error.parameter(), Some("model"));
        assert!(error.message().len() < 200, "{error}");
    }
}
