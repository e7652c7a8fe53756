//! A call on its way: one struct, and a state that only the right step can give it.
//!
//! It does not know the steps; `chat` does.

use crate::target::Target;
use std::sync::Arc;
use yizhan_access::Principal;
use yizhan_domain::ModelName;
use yizhan_knowledge::{Grounding, SearchMode};
use yizhan_model::{ChatModel, ChatRequest};
use yizhan_store::Filter;

/// What a caller may say about retrieval; what is not said comes from the application or base.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetrievalWishes {
    /// Which index answers.
    pub mode: Option<SearchMode>,
    /// At most so many passages, 1–100.
    pub top: Option<usize>,
    /// Only documents that meet this condition.
    pub filter: Option<Filter>,
    /// Passages below this score are left out.
    pub min_score: Option<f32>,
    /// Let the chat model reorder the passages.
    pub rerank: Option<bool>,
}

/// A call of `/v1/chat/completions`. `S` says how far it has come.
pub struct Call<S> {
    /// What the caller put into `model`.
    pub(crate) model: ModelName,
    /// The conversation.
    pub(crate) request: ChatRequest,
    /// The caller's wishes for retrieval.
    pub(crate) retrieval: RetrievalWishes,
    /// How far it has come.
    pub(crate) state: S,
}

/// The caller is known.
pub struct Known {
    pub(crate) principal: Principal,
}

/// What the name stands for is known, and the sources are in the conversation.
pub struct Grounded {
    pub(crate) model: Arc<dyn ChatModel>,
    pub(crate) grounding: Option<Grounding>,
    /// Nothing relevant was found: the answer is this sentence, and no model is asked.
    pub(crate) refusal: Option<&'static str>,
}

impl Call<Known> {
    /// A call by someone whose key was checked: a [`Principal`] cannot be had otherwise.
    pub fn new(principal: Principal, model: ModelName, request: ChatRequest, retrieval: RetrievalWishes) -> Self {
        Self { model, request, retrieval, state: Known { principal } }
    }

    pub(crate) fn grounded(self, target: &Target, request: ChatRequest, state: GroundedBy) -> Call<Grounded> {
        let GroundedBy { grounding, refusal } = state;
        let model = Arc::clone(&target.model);
        Call { model: self.model, request, retrieval: self.retrieval, state: Grounded { model, grounding, refusal } }
    }
}

/// The outcome of looking into the documents.
#[derive(Default)]
pub(crate) struct GroundedBy {
    pub(crate) grounding: Option<Grounding>,
    pub(crate) refusal: Option<&'static str>,
}
