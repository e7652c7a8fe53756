//! A call on its way: one struct, and a state that only the right step can give it.
//!
//! It does not know the steps; `chat` does.

use crate::target::Target;
use std::ops::Deref;
use std::sync::Arc;
use yizhan_access::Principal;
use yizhan_cache::Wish;
use yizhan_domain::{CallId, ModelName, ReviewId};
use yizhan_knowledge::{Grounding, SearchMode};
use yizhan_model::ChatRequest;
use yizhan_routing::Route;
use yizhan_store::Filter;
use yizhan_telemetry::Traced;

/// What a caller may say about retrieval; what is not said comes from the application or base.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
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

/// Who calls, and from where.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The proof that a key or token was checked.
    pub principal: Principal,
    /// What reply, audit record and log line have in common.
    pub call: CallId,
    /// The network address.
    pub address: Option<String>,
    /// What the caller's program calls itself.
    pub user_agent: Option<String>,
    /// May an earlier answer be given, and this one kept?
    pub cache: Wish,
    /// The trace of the request that the call came with.
    pub trace: Option<Traced>,
    /// The review that lets this request pass, as the caller says.
    pub review: Option<ReviewId>,
}

impl Caller {
    /// Somebody at this machine's command line, or whose address is not known.
    pub fn new(principal: Principal) -> Self {
        Self::of_call(principal, CallId::random())
    }

    /// A call that has an id already.
    pub fn of_call(principal: Principal, call: CallId) -> Self {
        let cache = Wish::default();
        Self { principal, call, address: None, user_agent: None, cache, trace: None, review: None }
    }
}

/// A call of a chat route. `S` says how far it has come.
pub struct Call<S> {
    /// What stays as it is. Boxed, since a call is moved from step to step.
    pub(crate) asked: Box<Asked>,
    /// The conversation.
    pub(crate) request: ChatRequest,
    /// How far it has come.
    pub(crate) state: S,
}

/// What a caller asked for beside the conversation.
pub struct Asked {
    /// What the caller put into `model`.
    pub(crate) model: ModelName,
    /// The caller's wishes for retrieval.
    pub(crate) retrieval: RetrievalWishes,
    /// Who calls.
    pub(crate) caller: Caller,
}

impl<S> Deref for Call<S> {
    type Target = Asked;

    fn deref(&self) -> &Asked {
        &self.asked
    }
}

/// The caller is known.
pub struct Known(());

/// No rule forbids the conversation. What rules want said at the answer's end.
pub struct Safe {
    pub(crate) warnings: Vec<String>,
}

/// The sources are in the conversation, and who answers is known.
pub struct Grounded {
    pub(crate) route: Arc<Route>,
    pub(crate) grounding: Option<Grounding>,
    /// Nothing relevant was found: the answer is this sentence, and no model is asked.
    pub(crate) refusal: Option<&'static str>,
    pub(crate) warnings: Vec<String>,
}

impl Call<Known> {
    /// A call by someone whose key was checked: a [`Principal`] cannot be had otherwise.
    pub fn new(caller: Caller, model: ModelName, request: ChatRequest, retrieval: RetrievalWishes) -> Self {
        Self { asked: Box::new(Asked { model, retrieval, caller }), request, state: Known(()) }
    }

    /// No rule forbids `request`, which is this call's, perhaps with masks.
    pub(crate) fn safe(self, request: ChatRequest, warnings: Vec<String>) -> Call<Safe> {
        Call { asked: self.asked, request, state: Safe { warnings } }
    }
}

impl Call<Safe> {
    pub(crate) fn grounded(self, target: &Target, request: ChatRequest, by: GroundedBy) -> Call<Grounded> {
        let Self { asked, state, .. } = self;
        let GroundedBy { grounding, refusal } = by;
        let route = Arc::clone(&target.route);
        let state = Grounded { route, grounding, refusal, warnings: state.warnings };
        Call { asked, request, state }
    }
}

/// The outcome of looking into the documents.
#[derive(Default)]
pub(crate) struct GroundedBy {
    pub(crate) grounding: Option<Grounding>,
    pub(crate) refusal: Option<&'static str>,
}
