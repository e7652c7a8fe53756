//! Finding passages: by words, by meaning, or by both, fused.
//!
//! It does not know how an index ranks, or what the passages are for.

use crate::indexes::{Current, blocking};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use yizhan_domain::Result;
use yizhan_index::{DocumentSet, Hit};
use yizhan_model::{EmbedKind, EmbedModel};
use yizhan_store::{Chunk, Filter};

/// Which index answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchMode {
    /// Words only.
    Bm25,
    /// Vectors only.
    Dense,
    /// Both, their scores brought to one range and added.
    #[default]
    Hybrid,
}

/// What to search and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchOptions {
    /// Which index answers.
    pub mode: SearchMode,
    /// How many passages come back.
    pub top: usize,
    /// Only documents that meet this condition.
    pub filter: Option<Filter>,
    /// Passages below this score are left out.
    pub min_score: f32,
    /// The chat model whose yes/no judgement reorders the best passages; none: no reranking.
    pub rerank: Option<yizhan_domain::ModelName>,
}

impl SearchOptions {
    /// Is the query to be embedded, in a base that has vectors?
    pub fn needs_vectors(&self) -> bool {
        self.mode != SearchMode::Bm25
    }
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { mode: SearchMode::default(), top: 10, filter: None, min_score: f32::NEG_INFINITY, rerank: None }
    }
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The passage.
    pub chunk: Chunk,
    /// Higher is better; comparable within one search only.
    pub score: f32,
    /// Its cosine to the query, where the vector index saw it.
    pub cosine: Option<f32>,
    /// Its BM25 score, where the text index saw it.
    pub bm25: Option<f32>,
}

/// What a search found, and what its models read for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Searched {
    /// The passages, best first.
    pub found: Vec<Found>,
    /// Tokens of the query by the embedding model's own count; 0 when it was not asked.
    pub query_tokens: u32,
    /// Bytes that were read to judge passages: each with the query. Rerankers tell no tokens.
    pub judged_bytes: usize,
}

/// The hits of one search before the store is asked for their texts.
pub(crate) struct Ranked {
    pub(crate) hits: Vec<Hit>,
    pub(crate) cosine: HashMap<u64, f32>,
    pub(crate) bm25: HashMap<u64, f32>,
    pub(crate) query_tokens: u32,
}

/// Each list is read to this depth before fusing, or deeper when more is asked for.
const FUSE_DEPTH: usize = 100;

/// Asks the indexes; without a model, for words alone.
pub(crate) async fn rank(
    indexes: Current,
    embed: Option<Arc<dyn EmbedModel>>,
    query: &str,
    mode: SearchMode,
    top: usize,
    within: Option<DocumentSet>,
) -> Result<Ranked> {
    let mode = if embed.is_none() { SearchMode::Bm25 } else { mode };
    let embedded = match (mode, embed) {
        (SearchMode::Bm25, _) => None,
        (_, Some(embed)) => Some(embed.embed(EmbedKind::Query, vec![query.to_owned()]).await?),
        (_, None) => None,
    };
    let query_tokens = embedded.as_ref().map_or(0, |embedded| embedded.tokens);
    let vector = embedded.map(|embedded| embedded.values);
    let query = query.to_owned();
    blocking(move || {
        let depth = if mode == SearchMode::Hybrid { top.max(FUSE_DEPTH) } else { top };
        let within = within.as_ref();
        let words = match mode {
            SearchMode::Dense => Vec::new(),
            _ => indexes.text.search(&query, depth, within)?,
        };
        let near = match (&indexes.vector, &vector) {
            (Some(index), Some(vector)) => index.search(vector, depth, within)?,
            _ => Vec::new(),
        };
        let by_chunk = |hits: &[Hit]| hits.iter().map(|hit| (hit.chunk.0, hit.score)).collect();
        let (bm25, cosine) = (by_chunk(&words), by_chunk(&near));
        let mut hits = match mode {
            SearchMode::Bm25 => words,
            SearchMode::Dense => near,
            SearchMode::Hybrid => yizhan_index::fuse_scores(&[(&words, 1.0), (&near, 1.0)]),
        };
        hits.truncate(top);
        Ok(Ranked { hits, cosine, bm25, query_tokens })
    })
    .await
}
