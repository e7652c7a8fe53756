//! A remote reranker: in Jina's and Cohere's shape, or in its vendor's own.
//!
//! It does not know where passages come from.

use crate::config::ModelConfig;
use crate::embed::read;
use crate::estimate::cut;
use crate::failure::{Failure, Outcome, What};
use crate::provider::Shared;
use async_trait::async_trait;
use bytes::Bytes;
use http::Uri;
use serde_json::Value;
use std::sync::Arc;
use yizhan_dialect::{AnswerFault, VendorError};
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_model::RerankModel;

/// A reranker of a provider.
pub(crate) struct RemoteRerank {
    shared: Arc<Shared>,
    model: ModelConfig,
    uri: Uri,
}

impl RemoteRerank {
    pub(crate) fn new(shared: Arc<Shared>, model: ModelConfig) -> Result<Self> {
        let url = shared.vendor.rerank_url(&shared.base).ok_or_else(|| {
            let message = format!("The vendor of the provider '{}' has no rerankers.", shared.name);
            Error::new(ErrorCode::InvalidConfig, message)
        })?;
        let uri = shared.client.route(&url)?;
        Ok(Self { shared, model, uri })
    }

    async fn batch(&self, query: &str, passages: &[String]) -> Outcome<Vec<f32>> {
        let vendor = self.shared.vendor;
        let body = vendor.rerank_body(self.model.upstream(), query, passages).to_string();
        let reply = self.shared.client.post_whole(&self.uri, Bytes::from(body)).await?;
        let value: Value = read(&reply)?;
        let scores = vendor.scores(&value).ok_or_else(|| no_scores(&reply))?;
        let mut sorted = vec![None; passages.len()];
        for (index, score) in scores {
            if let Some(place) = sorted.get_mut(index) {
                *place = Some(score.clamp(0.0, 1.0));
            }
        }
        let all: Option<Vec<f32>> = sorted.into_iter().collect();
        all.ok_or_else(|| What::Malformed("a passage has no score".to_owned()).into())
    }
}

fn no_scores(body: &[u8]) -> Failure {
    match VendorError::read(body) {
        Some(said) => AnswerFault::Vendor(said).into(),
        None => What::Malformed("it holds no scores".to_owned()).into(),
    }
}

#[async_trait]
impl RerankModel for RemoteRerank {
    fn name(&self) -> &ModelName {
        &self.model.name
    }

    async fn rerank(&self, query: &str, passages: Vec<String>) -> Result<Vec<f32>> {
        let most = self.model.context_length as usize;
        let passages: Vec<String> = passages.iter().map(|passage| cut(passage, most).to_owned()).collect();
        let size = self.model.batch.unwrap_or(self.shared.vendor.most_passages());
        let mut scores = Vec::with_capacity(passages.len());
        for passages in passages.chunks(size.max(1)) {
            let batch = self.batch(query, passages).await;
            scores.extend(batch.map_err(|failure| self.shared.tell(failure))?);
        }
        Ok(scores)
    }
}
