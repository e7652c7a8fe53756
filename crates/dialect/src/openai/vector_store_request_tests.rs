use super::{
    AttachRequest, ChunkingWish, SearchRequest, VectorStoreRequest, VectorStoreUpdate, read_attributes_update,
    read_batch_request,
};
use serde_json::{Value, json};

fn path<T: std::fmt::Debug>(read: yizhan_domain::Result<T>) -> String {
    read.unwrap_err().parameter().unwrap_or_default().to_owned()
}

fn chunked(strategy: Value) -> yizhan_domain::Result<VectorStoreRequest> {
    VectorStoreRequest::read(json!({"chunking_strategy": strategy}))
}

#[test]
fn chunking_in_all_its_forms() {
    assert_eq!(VectorStoreRequest::read(json!({})).unwrap(), VectorStoreRequest::default());
    assert_eq!(chunked(json!({"type": "auto"})).unwrap().chunking, ChunkingWish::Auto);
    let window = json!({"type": "static", "static": {"max_chunk_size_tokens": 128, "chunk_overlap_tokens": 32}});
    assert_eq!(chunked(window).unwrap().chunking, ChunkingWish::Window { tokens: 128, overlap: 32 });
    let structure = json!({"type": "structure", "structure": {"max_chunk_size_tokens": 256}});
    assert_eq!(chunked(structure).unwrap().chunking, ChunkingWish::Structure { tokens: 256 });
    let wide = json!({"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}});
    assert_eq!(path(chunked(wide)), "chunking_strategy.static.chunk_overlap_tokens");
    let missing = json!({"type": "static", "static": {"chunk_overlap_tokens": 5}});
    assert_eq!(path(chunked(missing)), "chunking_strategy.static.max_chunk_size_tokens");
    assert_eq!(path(chunked(json!({"type": "magic"}))), "chunking_strategy.type");
}

#[test]
fn what_is_not_kept_is_refused() {
    assert_eq!(path(VectorStoreRequest::read(json!({"metadata": {"a": "b"}}))), "metadata");
    assert_eq!(path(VectorStoreUpdate::read(json!({"expires_after": {"days": 1}}))), "expires_after");
    assert!(VectorStoreRequest::read(json!({"metadata": {}, "expires_after": null})).is_ok());
    assert_eq!(path(VectorStoreRequest::read(json!({"file_ids": vec!["f"; 501]}))), "file_ids");
}

#[test]
fn attributes_are_simple_values() {
    let read = |attributes: Value| AttachRequest::read(json!({"file_id": "f", "attributes": attributes}));
    let attributes = read(json!({"a": "x", "b": 1.5, "c": true, "d": ["x", "y"]})).unwrap().attributes;
    assert_eq!(attributes.len(), 4);
    assert_eq!(path(read(json!({"a": {"b": 1}}))), "attributes.a");
    assert_eq!(path(read(json!({"a": [["x"]]}))), "attributes.a");
    let many: Value = (0..17).map(|n| (n.to_string(), json!(n))).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(path(read(many)), "attributes");
    assert_eq!(path(read_attributes_update(json!({}))), "attributes");
    assert!(read_attributes_update(json!({"attributes": {}})).unwrap().is_empty());
}

#[test]
fn batches_in_both_forms() {
    let same = read_batch_request(json!({"file_ids": ["a", "b"], "attributes": {"x": 1}})).unwrap();
    assert_eq!((same.len(), same[1].attributes["x"].clone()), (2, json!(1)));
    let own = read_batch_request(json!({"files": [{"file_id": "a", "attributes": {"x": 2}}]})).unwrap();
    assert_eq!(own[0].attributes["x"], json!(2));
    assert_eq!(path(read_batch_request(json!({"files": [{}]}))), "files[0].file_id");
    assert_eq!(path(read_batch_request(json!({"files": [], "file_ids": []}))), "files");
    assert_eq!(path(read_batch_request(json!({"file_ids": []}))), "file_ids");
    assert_eq!(path(read_batch_request(json!({}))), "file_ids");
}

#[test]
fn searches() {
    let request = SearchRequest::read(json!({
        "query": "q", "max_num_results": 5, "ranking_options": {"ranker": "auto", "score_threshold": 0.5},
        "rewrite_query": false, "filters": {"type": "eq"}, "mode": "dense",
    }));
    let request = request.unwrap();
    assert_eq!((request.queries.len(), request.limit, request.score_threshold), (1, Some(5), Some(0.5)));
    assert_eq!(path(SearchRequest::read(json!({}))), "query");
    assert_eq!(path(SearchRequest::read(json!({"query": " "}))), "query");
    assert_eq!(path(SearchRequest::read(json!({"query": ["a", 1]}))), "query[1]");
    assert_eq!(path(SearchRequest::read(json!({"query": "q", "max_num_results": 51}))), "max_num_results");
}
