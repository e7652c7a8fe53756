//! What a request tells the provider of the trace that it belongs to.
//!
//! It does not know which requests are traced.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use yizhan_telemetry::Outgoing;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Adds W3C's headers, if the work that sends this request is traced.
pub(crate) fn tell(headers: &mut HeaderMap) {
    let Some((parent, state)) = Outgoing::headers() else { return };
    let values = [(TRACEPARENT, Some(parent.as_str())), (TRACESTATE, state.as_deref())];
    for (name, value) in values {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
}
