//! What all log lines of one request have in common, for whoever writes lines.
//!
//! It is not a span of `tracing`: those cost something with every poll, also of requests that log nothing.
//! It does not know where lines go, or in which form.

use std::future::Future;
use std::sync::Arc;
use yizhan_domain::CallId;

/// The ids of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogIds {
    /// The request's own, `x-request-id`.
    pub request: Arc<str>,
    /// The call's, as the audit has it.
    pub call: CallId,
    /// The trace's; none where it is not sampled.
    pub trace: Option<String>,
}

tokio::task_local! {
    static IDS: Arc<LogIds>;
}

/// The work, whose lines carry these ids.
pub async fn with_ids<T>(ids: Arc<LogIds>, work: impl Future<Output = T>) -> T {
    IDS.scope(ids, work).await
}

/// The same for work that is done at once; without ids it is just done.
pub fn with_ids_sync<T>(ids: Option<&Arc<LogIds>>, work: impl FnOnce() -> T) -> T {
    match ids {
        Some(ids) => IDS.sync_scope(Arc::clone(ids), work),
        None => work(),
    }
}

/// The ids of the request that is being worked for, if it is one.
pub fn ids() -> Option<Arc<LogIds>> {
    IDS.try_with(Arc::clone).ok()
}
