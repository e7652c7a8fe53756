//! Embedding models: texts in, unit vectors out.
//!
//! It does not know what the vectors are for, beyond query or passage.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use yizhan_domain::{ModelName, Result};

/// Which side of a search a text is on. Models such as E5 put a prefix before each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbedKind {
    /// A question.
    Query,
    /// Something to be found.
    Passage,
    /// Neither: exactly this text, no prefix.
    Plain,
}

/// Vectors of equal length, one per text, row after row, each of Euclidean length 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embeddings {
    /// Length of one vector.
    pub dimensions: usize,
    /// `rows × dimensions` numbers.
    pub values: Vec<f32>,
    /// Tokens that the texts had, prefixes and special tokens included.
    pub tokens: u32,
}

impl Embeddings {
    /// One vector after another.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dimensions.max(1))
    }
}

/// A model that turns text into vectors.
#[async_trait]
pub trait EmbedModel: Send + Sync {
    /// Its name. Vectors of different names are never compared.
    fn name(&self) -> &ModelName;

    /// Length of its vectors.
    fn dimensions(&self) -> usize;

    /// Most tokens of one text, special tokens included; what is beyond is cut off.
    fn max_tokens(&self) -> usize;

    /// One vector per text, in order. An empty list gives no rows.
    async fn embed(&self, kind: EmbedKind, texts: Vec<String>) -> Result<Embeddings>;

    /// For each text the byte ranges of its tokens, in order, without prefix and special tokens.
    /// Ranges lie on character boundaries and do not overlap; white space may lie between them.
    async fn token_ranges(&self, texts: Vec<String>) -> Result<Vec<Vec<Range<u32>>>>;
}
