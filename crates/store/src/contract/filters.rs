//! Conditions on documents. [`Filter::matches`] is the meaning; a driver must not deviate from it.

use super::{Subject, new_document};
use crate::{Base, Filter, Page};
use serde_json::{Value, json};
use yizhan_domain::DocumentId;

/// Documents whose attributes differ in every way that a comparison can see.
async fn documents(s: &Subject) -> Base {
    let base = s.base("manual").await;
    let all = [
        json!({}),
        json!({"year": 2023, "lang": "zh", "tags": ["a", "b"], "draft": true}),
        json!({"year": 2024.0, "lang": "en", "tags": ["b", 7], "draft": false}),
        json!({"year": -1.5, "lang": "中文", "tags": [], "draft": null}),
        json!({"year": "2024", "lang": "", "tags": "a", "draft": 1}),
        json!({"year": 9_007_199_254_740_992_i64, "lang": {"a": 1, "b": 2}, "tags": [["a"]], "filename": "mine"}),
        json!({"year": [2023, 2024.0], "lang": ["zh"], "tags": [null, true], "file_id": "mine"}),
    ];
    for (number, attributes) in all.into_iter().enumerate() {
        s.submit_with(&base, &format!("文档 {number}"), "content", attributes).await;
    }
    base
}

/// The driver's answer, which must be that of `Filter::matches`.
async fn matching(s: &Subject, base: &Base, filter: &Value) -> Vec<DocumentId> {
    let filter: Filter = serde_json::from_value(filter.clone()).unwrap();
    let found = s.documents.documents_matching(&base.id, &filter).await.unwrap();
    let all = s.documents.documents(&base.id, Page { after: None, limit: 1000 }).await.unwrap();
    let expected: Vec<_> = all.iter().filter(|document| filter.matches(document)).map(|one| one.id).collect();
    assert_eq!(found, expected, "{filter:?}");
    found
}

pub async fn every_comparison(s: &Subject) {
    let base = documents(s).await;
    let first = s.documents.documents(&base.id, Page { after: None, limit: 1 }).await.unwrap().remove(0);
    let scalars = [
        json!(2023),
        json!(2024),
        json!(2024.0),
        json!(-1.5),
        json!(0),
        json!(7),
        json!(1),
        json!(1e300),
        json!(9_007_199_254_740_993_i64),
        json!("2024"),
        json!("zh"),
        json!("中文"),
        json!(""),
        json!("a"),
        json!("b"),
        json!(true),
        json!(false),
        json!(null),
        json!("mine"),
        json!("文档 3"),
        json!(first.file),
    ];
    let lists = [
        json!([]),
        json!(["a"]),
        json!(["a", "b"]),
        json!([2023, "zh", true, null]),
        json!([["a"], 7]),
        json!([2023, 2024]),
        json!(["文档 1", first.file]),
        json!({"b": 2, "a": 1}),
        json!([{"b": 2, "a": 1}]),
    ];
    let mut found = 0;
    for key in ["year", "lang", "tags", "draft", "none", "filename", "file_id", ""] {
        for value in scalars.iter().chain(&lists) {
            for comparison in ["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"] {
                let filter = json!({"type": comparison, "key": key, "value": value});
                found += usize::from(!matching(s, &base, &filter).await.is_empty());
            }
        }
    }
    assert!(found > 100, "the filters found something only {found} times");
}

pub async fn compounds(s: &Subject) {
    let base = documents(s).await;
    let year = json!({"type": "gte", "key": "year", "value": 2023});
    let lang = json!({"type": "in", "key": "lang", "value": ["zh", "en"]});
    let name = json!({"type": "ne", "key": "filename", "value": "文档 1"});
    let odd = json!({"type": "eq", "key": "tags", "value": [["a"]]});
    let both = json!({"type": "and", "filters": [year, lang]});
    assert_eq!(matching(s, &base, &both).await.len(), 2);
    let nested = json!({"type": "and", "filters": [{"type": "or", "filters": [year, lang]}, name]});
    assert_eq!(matching(s, &base, &nested).await.len(), 3);
    assert_eq!(matching(s, &base, &json!({"type": "or", "filters": [odd, lang]})).await.len(), 4);
    assert_eq!(matching(s, &base, &json!({"type": "and", "filters": []})).await.len(), 7);
    assert_eq!(matching(s, &base, &json!({"type": "or", "filters": []})).await.len(), 0);
}

pub async fn filters_see_one_base_and_the_latest_attributes(s: &Subject) {
    let (base, other) = (s.base("manual").await, s.base("other").await);
    let file = s.file("a", "content").await;
    for base in [&base, &other] {
        s.documents.submit(&base.id, new_document(&file, json!({"v": 1}))).await.unwrap();
    }
    s.documents.submit(&base.id, new_document(&file, json!({"v": 2, "w": "x"}))).await.unwrap();
    let is = |key: &str, value: Value| json!({"type": "eq", "key": key, "value": value});
    assert_eq!(matching(s, &base, &is("v", json!(1))).await.len(), 0);
    assert_eq!(matching(s, &base, &is("v", json!(2))).await.len(), 1);
    assert_eq!(matching(s, &other, &is("v", json!(1))).await.len(), 1);
    let document = matching(s, &base, &is("w", json!("x"))).await[0];
    s.documents.delete_document(document).await.unwrap();
    assert_eq!(matching(s, &base, &is("w", json!("x"))).await.len(), 0);
}
