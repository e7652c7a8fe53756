use super::*;
use crate::{ContentHash, DocumentState};
use serde_json::json;
use yizhan_domain::{BaseId, DocumentId, FileId};

fn document(attributes: Value) -> Document {
    Document {
        id: DocumentId(1),
        base: BaseId::new("vs_1"),
        file: FileId::new("file-1"),
        source: "/a.pdf".into(),
        name: "a.pdf".into(),
        hash: ContentHash("0".into()),
        attributes: attributes.as_object().unwrap().clone(),
        state: DocumentState::Ready,
        reason: None,
        attempts: 1,
        chunks: 1,
        pages: None,
        bytes: 1,
        created_ms: 0,
        updated_ms: 0,
    }
}

fn matches(filter: Value) -> bool {
    let attributes = json!({"year": 2024, "lang": "zh", "draft": false, "tags": ["a", 7], "empty": [], "none": null});
    serde_json::from_value::<Filter>(filter).unwrap().matches(&document(attributes))
}

#[test]
fn comparisons() {
    let table = [
        (true, "eq", "year", json!(2024.0)),
        (false, "eq", "year", json!("2024")),
        (true, "ne", "year", json!("2024")),
        (true, "ne", "absent", json!(1)),
        (false, "eq", "absent", json!(null)),
        (true, "eq", "none", json!(null)),
        (true, "gt", "year", json!(2023.5)),
        (false, "gt", "year", json!(2024)),
        (true, "gte", "year", json!(2024)),
        (false, "lt", "year", json!(2024)),
        (true, "lte", "year", json!(2024)),
        (false, "lt", "absent", json!(1)),
        (false, "gt", "year", json!("a")),
        (true, "gt", "lang", json!("z")),
        (false, "gt", "draft", json!(false)),
        (true, "eq", "draft", json!(false)),
        (true, "in", "lang", json!(["en", "zh"])),
        (false, "nin", "lang", json!(["en", "zh"])),
        (false, "in", "lang", json!("zh")),
        (true, "nin", "absent", json!(["zh"])),
        (true, "eq", "tags", json!("a")),
        (true, "eq", "tags", json!(7.0)),
        (false, "eq", "tags", json!("b")),
        (true, "eq", "tags", json!(["a", 7])),
        (true, "in", "tags", json!(["b", "a"])),
        (false, "gt", "tags", json!(1)),
        (false, "eq", "empty", json!("a")),
        (true, "eq", "filename", json!("a.pdf")),
        (true, "in", "file_id", json!(["file-1"])),
    ];
    for (expected, comparison, key, value) in table {
        let filter = json!({"type": comparison, "key": key, "value": value});
        assert_eq!(matches(filter.clone()), expected, "{filter}");
    }
}

#[test]
fn compounds() {
    let (yes, no) =
        (json!({"type": "eq", "key": "lang", "value": "zh"}), json!({"type": "eq", "key": "lang", "value": "en"}));
    for (expected, operator, filters) in [
        (true, "and", vec![]),
        (false, "or", vec![]),
        (false, "and", vec![&yes, &no]),
        (true, "or", vec![&yes, &no]),
        (true, "and", vec![&yes, &yes]),
    ] {
        assert_eq!(matches(json!({"type": operator, "filters": filters})), expected, "{operator} {filters:?}");
    }
}

#[test]
fn what_is_no_filter_is_refused() {
    for text in [r#"{"type":"like","key":"a","value":1}"#, r#"{"type":"eq","key":"a"}"#, r#"{"type":"and"}"#, "1"] {
        assert!(serde_json::from_str::<Filter>(text).is_err(), "{text}");
    }
}
