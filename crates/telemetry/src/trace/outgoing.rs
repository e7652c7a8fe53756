//! What requests to others say of the trace that they belong to: found where a request is written, without
//! passing through what lies between.
//!
//! It does not know requests or HTTP.

use super::context::TraceContext;
use std::future::Future;
use std::sync::Arc;

/// A place in a trace that somebody else is told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    context: TraceContext,
    state: Option<Arc<str>>,
    is_told: bool,
}

tokio::task_local! {
    static OUTGOING: Outgoing;
}

impl Outgoing {
    pub(super) fn new(context: TraceContext, state: Option<Arc<str>>, is_told: bool) -> Self {
        Self { context, state, is_told }
    }

    /// A place below this one; the same where nothing is recorded, for then there is no span to name.
    pub fn child(&self) -> Self {
        let context = if self.context.is_sampled() { self.context.child() } else { self.context };
        Self { context, ..self.clone() }
    }

    /// Another place of the same trace.
    pub(super) fn at(&self, context: TraceContext) -> Self {
        Self { context, ..self.clone() }
    }

    /// The place itself.
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// The work, with whose requests this goes along.
    pub async fn along<T>(this: Option<Self>, work: impl Future<Output = T>) -> T {
        match this {
            Some(outgoing) => OUTGOING.scope(outgoing, work).await,
            None => work.await,
        }
    }

    /// The headers `traceparent` and `tracestate` for a request that is made now, if it belongs to a trace that
    /// others are told of.
    pub fn headers() -> Option<(String, Option<Arc<str>>)> {
        let headers = |told: &Self| told.is_told.then(|| (told.context.traceparent(), told.state.clone()));
        OUTGOING.try_with(headers).ok().flatten()
    }
}
