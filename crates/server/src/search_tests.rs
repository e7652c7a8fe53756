use super::interleave;
use crate::backend::SearchHit;
use yizhan_domain::{ChunkId, DocumentId};
use yizhan_store::Chunk;

fn hits(ids: &[u64]) -> Vec<SearchHit> {
    let chunk = |id: &u64| Chunk {
        id: ChunkId(*id),
        document: DocumentId(1),
        file: "file-a".into(),
        name: "a".into(),
        ordinal: 0,
        text: String::new(),
        heading: Vec::new(),
        lines: Vec::new(),
        tokens: 0,
    };
    ids.iter().map(|id| SearchHit { chunk: chunk(id), score: 1.0 }).collect()
}

fn ids(found: Vec<Vec<SearchHit>>, limit: usize) -> Vec<u64> {
    interleave(found, limit).into_iter().map(|hit| hit.chunk.id.0).collect()
}

#[test]
fn one_query_keeps_its_order() {
    assert_eq!(ids(vec![hits(&[3, 1, 2])], 2), [3, 1]);
}

#[test]
fn several_queries_take_turns_and_repeat_nothing() {
    assert_eq!(ids(vec![hits(&[1, 2, 3]), hits(&[2, 4])], 10), [1, 2, 4, 3]);
    assert_eq!(ids(vec![hits(&[1, 2, 3]), hits(&[4, 5])], 3), [1, 4, 2]);
    assert_eq!(ids(vec![hits(&[]), hits(&[])], 3), [0u64; 0]);
}
