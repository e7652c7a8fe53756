//! The traits of `yizhan-model` on top of a model's place.
//!
//! It does not know processes.

use super::home::Home;
use super::link::Call;
use crate::protocol::{Reply, Request};
use async_trait::async_trait;
use futures_core::Stream;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_model::{ChatEvent, ChatModel, ChatRequest, EmbedKind, EmbedModel, Embeddings, EventStream, RerankModel};

/// A local chat model, and with it a reranker.
pub(super) struct LocalChat {
    pub(super) name: ModelName,
    pub(super) home: Arc<Home>,
}

#[async_trait]
impl ChatModel for LocalChat {
    fn name(&self) -> &ModelName {
        &self.name
    }

    fn context_length(&self) -> u32 {
        self.home.context()
    }

    async fn generate(&self, request: &ChatRequest) -> Result<EventStream> {
        let request = request.clone();
        let mut call = self.home.call(|id| Request::Chat { id, request })?;
        match call.next().await? {
            (Reply::Started { .. }, _) => {}
            (other, _) => return Err(unexpected(&other)),
        }
        self.home.went_well(&call);
        Ok(Box::pin(Events { call, _home: Arc::clone(&self.home) }))
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32> {
        let request = request.clone();
        let mut call = self.home.call(|id| Request::Count { id, request })?;
        match call.next().await? {
            (Reply::Count { tokens, .. }, _) => {
                self.home.went_well(&call);
                Ok(tokens)
            }
            (other, _) => Err(unexpected(&other)),
        }
    }
}

#[async_trait]
impl RerankModel for LocalChat {
    fn name(&self) -> &ModelName {
        &self.name
    }

    async fn rerank(&self, query: &str, passages: Vec<String>) -> Result<Vec<f32>> {
        let query = query.to_owned();
        let mut call = self.home.call(|id| Request::Score { id, query, passages })?;
        match call.next().await? {
            (Reply::Scores { scores, .. }, _) => {
                self.home.went_well(&call);
                Ok(scores)
            }
            (other, _) => Err(unexpected(&other)),
        }
    }
}

fn unexpected(reply: &Reply) -> Error {
    Error::internal(format!("The worker gave a reply out of turn: {reply:?}"))
}

/// The events of one answer.
struct Events {
    call: Call,
    /// The worker runs as long as the answer is read, also when the model's last handle is gone.
    _home: Arc<Home>,
}

impl Stream for Events {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.call.is_ended() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match ready!(self.call.poll(context)) {
            Ok((Reply::Event { event, .. }, _)) => Ok(event),
            Ok((other, _)) => Err(unexpected(&other)),
            Err(error) => Err(error),
        }))
    }
}

/// A local embedding model.
pub(super) struct LocalEmbed {
    pub(super) name: ModelName,
    pub(super) home: Arc<Home>,
    pub(super) dimensions: usize,
    pub(super) max_tokens: usize,
}

#[async_trait]
impl EmbedModel for LocalEmbed {
    fn name(&self) -> &ModelName {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    async fn embed(&self, kind: EmbedKind, texts: Vec<String>) -> Result<Embeddings> {
        if texts.is_empty() {
            return Ok(Embeddings { dimensions: self.dimensions, ..Embeddings::default() });
        }
        let rows = texts.len();
        let mut call = self.home.call(|id| Request::Embed { id, kind, texts })?;
        match call.next().await? {
            (Reply::Vectors { dimensions, tokens, .. }, body) => {
                self.home.went_well(&call);
                let values: Vec<f32> = body.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
                if dimensions != self.dimensions || values.len() != rows * dimensions {
                    return Err(changed(&self.name));
                }
                Ok(Embeddings { dimensions, values, tokens })
            }
            (other, _) => Err(unexpected(&other)),
        }
    }

    async fn token_ranges(&self, texts: Vec<String>) -> Result<Vec<Vec<Range<u32>>>> {
        let mut call = self.home.call(|id| Request::Ranges { id, texts })?;
        match call.next().await? {
            (Reply::Ranges { ranges, .. }, _) => {
                self.home.went_well(&call);
                Ok(ranges)
            }
            (other, _) => Err(unexpected(&other)),
        }
    }
}

/// The file was replaced by another model's while the program ran.
fn changed(name: &ModelName) -> Error {
    let message =
        format!("The file of model '{name}' is not the one that was there at start. Start the program again.");
    Error::new(ErrorCode::ModelUnavailable, message)
}
