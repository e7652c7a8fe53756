use super::*;
use serde_json::json;

#[test]
fn every_name_that_a_rule_uses_is_defined() {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 20},
            "kind": {"enum": ["甲", "b\"c", 3]},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            "child": {"$ref": "#"},
            "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["name", "kind"],
        "additionalProperties": false,
    });
    let text = grammar(&schema).unwrap();
    let defined: Vec<&str> = text.lines().filter_map(|line| line.split(" ::= ").next()).collect();
    assert!(defined.contains(&"root"));
    for line in text.lines().filter(|line| line.starts_with('r')) {
        let body = line.split(" ::= ").nth(1).unwrap();
        for word in body.split([' ', '(', ')', '|']).filter(|word| word.starts_with("ref-") || is_rule(word)) {
            let word = word.trim_end_matches(['?', '*']);
            assert!(defined.contains(&word), "{word} is used and not defined in\n{text}");
        }
    }
    assert!(text.contains(r#""\"b\\\"c\"""#), "{text}");
}

fn is_rule(word: &str) -> bool {
    word.strip_prefix('r').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

#[test]
fn the_wrapper_of_openai_is_unwrapped() {
    let inner = json!({"type": "integer"});
    assert_eq!(grammar(&json!({"name": "x", "strict": true, "schema": inner})).unwrap(), grammar(&inner).unwrap());
}

#[test]
fn what_would_be_ignored_is_refused_with_its_name() {
    for (schema, word) in [
        (json!({"type": "string", "pattern": "^a$"}), "pattern"),
        (json!({"type": "integer", "minimum": 3}), "minimum"),
        (json!({"type": "thing"}), "thing"),
        (json!({"$ref": "#/nowhere"}), "nowhere"),
        (json!({"$ref": "#"}), "itself"),
        (json!({"enum": []}), "enum"),
        (json!({"type": "array", "minItems": 5, "maxItems": 2}), "minItems"),
        (json!(3), "object"),
    ] {
        let error = grammar(&schema).unwrap_err();
        assert!(error.message().contains(word), "{schema}: {error}");
        assert_eq!(error.parameter(), Some("response_format"));
    }
}

#[test]
fn a_deep_schema_is_refused_and_not_a_crash() {
    let mut schema = json!({"type": "string"});
    for _ in 0..100 {
        schema = json!({"type": "array", "items": schema});
    }
    assert!(grammar(&schema).is_err());
}
