use super::{FileCounts, SearchResult, VectorStoreFileObject, VectorStoreObject, search_reply};
use crate::openai::ChunkingWish;
use serde_json::{Map, Value, json};
use yizhan_domain::Rect;

fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn attributes() -> Map<String, Value> {
    Map::from_iter([("area".to_owned(), json!("north"))])
}

#[test]
fn a_vector_store() {
    let object = VectorStoreObject {
        id: "vs_1",
        name: "manual",
        created_at: 1_700_000_000,
        bytes: 1234,
        counts: FileCounts { in_progress: 1, completed: 2, failed: 3 },
        chunks: 40,
        states: json!({"queued": 1, "ready": 2, "failed": 3}),
        embedding_model: Some("e5"),
        dictionary: &["驿站".to_owned()],
        chunking: ChunkingWish::Window { tokens: 128, overlap: 32 },
    };
    assert_eq!(object.write(), golden(include_str!("../../testdata/vector_store.json")));
}

#[test]
fn a_file_that_failed() {
    let object = VectorStoreFileObject {
        id: "file-a",
        vector_store_id: "vs_1",
        filename: "手册.pdf",
        created_at: 1_700_000_000,
        bytes: 99,
        status: "failed",
        state: json!("failed"),
        reason: Some("It is encrypted."),
        attributes: &attributes(),
        chunking: ChunkingWish::Structure { tokens: 256 },
        chunks: 0,
        pages: None,
    };
    assert_eq!(object.write(), golden(include_str!("../../testdata/vector_store_file.json")));
}

#[test]
fn a_search() {
    let (attributes, heading) = (attributes(), ["泵".to_owned(), "保养".to_owned()]);
    let result = SearchResult {
        file_id: "file-a",
        filename: "手册.pdf",
        score: 0.7,
        attributes: &attributes,
        text: "每 90 天保养一次",
        heading: &heading,
        page: Some(12),
        boxes: &[Rect([72.1, 90.0, 300.0, 102.5])],
    };
    let reply = search_reply(&["多久".to_owned()], &[result]);
    assert_eq!(reply, golden(include_str!("../../testdata/search.json")));
}
