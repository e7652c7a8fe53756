//! Replies of `/v1/vector_stores`.
//!
//! It does not know the store's own structs: they are given field by field.

use super::vector_store_request::ChunkingWish;
use crate::object::{boxes, short};
use serde_json::{Map, Value, json};
use yizhan_domain::Rect;

fn write_chunking(chunking: &ChunkingWish) -> Value {
    match chunking {
        ChunkingWish::Auto => json!({"type": "auto"}),
        ChunkingWish::Window { tokens, overlap } => json!({
            "type": "static",
            "static": {"max_chunk_size_tokens": tokens, "chunk_overlap_tokens": overlap},
        }),
        ChunkingWish::Structure { tokens } => {
            json!({"type": "structure", "structure": {"max_chunk_size_tokens": tokens}})
        }
    }
}

/// How many files of a vector store are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Waiting or being read.
    pub in_progress: u64,
    /// Searchable.
    pub completed: u64,
    /// Given up.
    pub failed: u64,
}

impl FileCounts {
    fn write(&self) -> Value {
        json!({
            "in_progress": self.in_progress,
            "completed": self.completed,
            "failed": self.failed,
            "cancelled": 0,
            "total": self.in_progress + self.completed + self.failed,
        })
    }

    fn status(&self) -> &'static str {
        if self.in_progress > 0 { "in_progress" } else { "completed" }
    }
}

/// A vector store.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorStoreObject<'a> {
    /// `vs_…`.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Its files by state.
    pub counts: FileCounts,
    /// Our own: chunks that can be found.
    pub chunks: u64,
    /// Our own: its files by the store's finer states, e.g. `{"queued":1}`.
    pub states: Value,
    /// Our own: the embedding model; none for full text only.
    pub embedding_model: Option<&'a str>,
    /// Our own: words that segmentation keeps whole.
    pub dictionary: &'a [String],
    /// How its documents are cut.
    pub chunking: ChunkingWish,
}

impl VectorStoreObject<'_> {
    /// The reply's body.
    pub fn write(&self) -> Value {
        json!({
            "id": self.id,
            "object": "vector_store",
            "created_at": self.created_at,
            "name": self.name,
            "usage_bytes": self.bytes,
            "file_counts": self.counts.write(),
            "status": self.counts.status(),
            "expires_after": null,
            "expires_at": null,
            "last_active_at": self.created_at,
            "metadata": {},
            "chunks": self.chunks,
            "states": self.states,
            "embedding_model": self.embedding_model,
            "dictionary": self.dictionary,
            "chunking_strategy": write_chunking(&self.chunking),
        })
    }
}

/// A file's membership in a vector store.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorStoreFileObject<'a> {
    /// The file's id.
    pub id: &'a str,
    /// The vector store's id.
    pub vector_store_id: &'a str,
    /// Our own: the name as shown to people.
    pub filename: &'a str,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Bytes of the file.
    pub bytes: u64,
    /// `in_progress`, `completed` or `failed`.
    pub status: &'a str,
    /// Our own: the store's finer state, e.g. `queued`.
    pub state: Value,
    /// Why it failed.
    pub reason: Option<&'a str>,
    /// Attributes for filters.
    pub attributes: &'a Map<String, Value>,
    /// How it was cut.
    pub chunking: ChunkingWish,
    /// Our own: chunks that can be found.
    pub chunks: u64,
    /// Our own: pages.
    pub pages: Option<u32>,
}

impl VectorStoreFileObject<'_> {
    /// The reply's body.
    pub fn write(&self) -> Value {
        let last_error = self.reason.map(|reason| json!({"code": "invalid_file", "message": reason}));
        json!({
            "id": self.id,
            "object": "vector_store.file",
            "created_at": self.created_at,
            "vector_store_id": self.vector_store_id,
            "usage_bytes": self.bytes,
            "status": self.status,
            "last_error": last_error,
            "attributes": self.attributes,
            "chunking_strategy": write_chunking(&self.chunking),
            "filename": self.filename,
            "state": self.state,
            "chunks": self.chunks,
            "pages": self.pages,
        })
    }
}

/// Many files attached at once.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchObject<'a> {
    /// `vsfb_…`.
    pub id: &'a str,
    /// The vector store's id.
    pub vector_store_id: &'a str,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Its files by state.
    pub counts: FileCounts,
}

impl BatchObject<'_> {
    /// The reply's body.
    pub fn write(&self) -> Value {
        json!({
            "id": self.id,
            "object": "vector_store.file_batch",
            "created_at": self.created_at,
            "vector_store_id": self.vector_store_id,
            "status": self.counts.status(),
            "file_counts": self.counts.write(),
        })
    }
}

/// One passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchResult<'a> {
    /// The file.
    pub file_id: &'a str,
    /// Its name as shown to people.
    pub filename: &'a str,
    /// Higher is better.
    pub score: f32,
    /// The document's attributes.
    pub attributes: &'a Map<String, Value>,
    /// The passage.
    pub text: &'a str,
    /// Our own: headings from the outermost to the innermost.
    pub heading: &'a [String],
    /// Our own: the page, from 1.
    pub page: Option<u32>,
    /// Our own: one box a line, in points, origin top left.
    pub boxes: &'a [Rect],
}

impl SearchResult<'_> {
    fn write(&self) -> Value {
        json!({
            "file_id": self.file_id,
            "filename": self.filename,
            "score": short(self.score),
            "attributes": self.attributes,
            "content": [{"type": "text", "text": self.text}],
            "heading": self.heading,
            "page": self.page,
            "boxes": boxes(self.boxes),
        })
    }
}

/// The reply to a search, best first.
pub fn search_reply(queries: &[String], results: &[SearchResult<'_>]) -> Value {
    json!({
        "object": "vector_store.search_results.page",
        "search_query": queries,
        "data": results.iter().map(SearchResult::write).collect::<Vec<Value>>(),
        "has_more": false,
        "next_page": null,
    })
}

#[cfg(test)]
#[path = "vector_store_reply_tests.rs"]
mod tests;
