//! The traits of `yizhan-model` on top of a model's place.
//!
//! It does not know processes.

use super::home::Home;
use super::link::Call;
use crate::protocol::{Reply, Request};
use async_trait::async_trait;
use futures_core::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use yizhan_domain::{Error, ModelName, Result};
use yizhan_model::{ChatEvent, ChatModel, ChatRequest, EventStream, RerankModel};

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

    async fn generate(&self, request: ChatRequest) -> Result<EventStream> {
        let mut call = self.home.call(|id| Request::Chat { id, request })?;
        match call.next().await? {
            (Reply::Started { .. }, _) => {}
            (other, _) => return Err(unexpected(&other)),
        }
        self.home.went_well(&call);
        Ok(Box::pin(Events { call }))
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
