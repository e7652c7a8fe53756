use super::{RerankRequest, RerankVersion, rerank_reply};
use serde_json::{Value, json};

fn body() -> Value {
    json!({
        "model": "reranker",
        "query": "泵怎么保养?",
        "documents": ["A pump.", {"text": "每 90 天保养一次", "page": 12}, "", "A pump."],
        "top_n": 3,
        "max_chunks_per_doc": 10,
    })
}

#[test]
fn results_come_best_first_and_equals_in_order() {
    let request = RerankRequest::read(body(), RerankVersion::V1).unwrap();
    let reply = rerank_reply("rerank-1", &request, &[0.1, 0.9, 0.05, 0.1], Some(21));
    let wanted: Value = serde_json::from_str(include_str!("../testdata/rerank.json")).unwrap();
    assert_eq!(reply, wanted);
}

#[test]
fn documents_come_back_only_where_they_are_wanted() {
    let read = |wish: Value, version| {
        let mut body = body();
        body["return_documents"] = wish;
        RerankRequest::read(body, version).unwrap().return_documents
    };
    assert!(read(Value::Null, RerankVersion::V1));
    assert!(!read(json!(false), RerankVersion::V1));
    assert!(!read(Value::Null, RerankVersion::V2));
    assert!(!read(json!(true), RerankVersion::V2));
}

#[test]
fn a_score_that_is_no_number_harms_nobody() {
    let request = RerankRequest::read(body(), RerankVersion::V2).unwrap();
    let reply = rerank_reply("r", &request, &[f32::NAN, 0.5, 0.1, 0.2, 0.9, 0.9], None);
    assert_eq!(reply["results"].as_array().unwrap().len(), 3);
    assert!(reply.get("usage").is_none());
}

#[test]
fn errors_name_the_field() {
    for (key, value, wanted) in [
        ("model", json!(1), "model"),
        ("query", json!(""), "query"),
        ("query", json!({"image": "x"}), "query"),
        ("documents", json!([]), "documents"),
        ("documents", json!(vec!["x"; 2049]), "documents"),
        ("documents", json!(["x", {"image": "y"}]), "documents[1].text"),
        ("documents", json!([1]), "documents[0]"),
        ("top_n", json!(0), "top_n"),
        ("rank_fields", json!(["title"]), "rank_fields"),
        ("return_documents", json!("yes"), "return_documents"),
    ] {
        let mut body = body();
        body[key] = value;
        let error = RerankRequest::read(body, RerankVersion::V1).unwrap_err();
        assert_eq!(error.parameter(), Some(wanted), "{key}");
    }
}
