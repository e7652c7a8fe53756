//! Rerankers: how well does each passage answer the query?
//!
//! It does not know where the passages come from.

use async_trait::async_trait;
use yizhan_domain::{ModelName, Result};

/// A model that scores passages against a query.
#[async_trait]
pub trait RerankModel: Send + Sync {
    /// Its name.
    fn name(&self) -> &ModelName;

    /// One score per passage in the order given, 0 (no answer) to 1 (answers it).
    async fn rerank(&self, query: &str, passages: Vec<String>) -> Result<Vec<f32>>;
}
