//! What the log lines of one call have in common.
//!
//! It does not know where lines go.

use crate::trace::TraceContext;
use tracing::Span;
use yizhan_domain::CallId;

/// A span for all log lines of a call: with the call's id as `call` and, where it is traced, `trace_id`, as
/// OpenTelemetry's log correlation has it. It exists while errors are logged at all, so that even those say
/// which call they are about.
pub fn log_span(call: &CallId, trace: Option<&TraceContext>) -> Span {
    let span = tracing::error_span!("call", %call, trace_id = tracing::field::Empty);
    if let Some(trace) = trace.filter(|_| !span.is_disabled()) {
        span.record("trace_id", trace.trace_id());
    }
    span
}
