//! Requests in traces: their headers, their span, and the ids that their log lines have in common.
//!
//! It does not know what calls do; their own spans are the gateway's.

use crate::admin::time::now_ms;
use crate::auth::Peer;
use crate::error::Unnoted;
use crate::keeping::Keeping;
use crate::middleware::RequestId;
use crate::state::AppState;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;
use yizhan_domain::CallId;
use yizhan_telemetry::{HttpFacts, HttpSpan, LogIds, Traced};

/// The trace's id, where the request is sampled.
const TRACE: HeaderName = HeaderName::from_static("x-yizhan-trace");

/// What machines ask again and again; nobody looks for it.
const UNTRACED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The request's trace, if there are traces here.
pub(crate) fn begin(state: &AppState, request: &Request, call: &CallId) -> Option<Traced> {
    let tracer = state.tracer.as_ref()?;
    if UNTRACED.contains(&request.uri().path()) {
        return None;
    }
    let parent = one(request.headers(), "traceparent");
    Some(tracer.begin(call, now_ms(), parent, state_of(request.headers()).as_deref()))
}

/// Its header may come in several lines, which are one list.
fn state_of(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let mut lines = headers.get_all("tracestate").iter().filter_map(|line| line.to_str().ok());
    let first = lines.next()?;
    Some(lines.fold(Cow::Borrowed(first), |all, line| Cow::Owned(format!("{all},{line}"))))
}

/// A header that stands there once. Of several nobody knows which counts.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok();
    if values.next().is_some() { None } else { value }
}

/// What the request's log lines have in common.
pub(crate) fn ids(request: &Request, call: CallId, traced: Option<&Traced>) -> LogIds {
    let id = request.extensions().get::<RequestId>().map(|id| Arc::clone(&id.0)).unwrap_or_default();
    let trace = traced.filter(|traced| traced.is_recorded()).map(|traced| traced.context().trace_id());
    LogIds { request: id, call, trace }
}

/// The request's span, where it is sampled.
pub(crate) fn span(traced: Option<&Traced>, request: &Request, began: Instant) -> Option<HttpSpan> {
    let traced = traced.filter(|traced| traced.is_recorded())?;
    let extensions = request.extensions();
    let peer = extensions.get::<Peer>();
    let client = peer.map(|peer| peer.address.ip().to_string()).unwrap_or_default();
    let facts = HttpFacts {
        method: request.method().as_str(),
        path: request.uri().path(),
        request: extensions.get::<RequestId>().map_or("", |id| &id.0),
        client: &client,
        is_tls: peer.is_some_and(|peer| peer.is_tls),
        user_agent: one(request.headers(), header::USER_AGENT.as_str()).unwrap_or_default(),
    };
    HttpSpan::begin(traced, began, &facts)
}

/// A layer of the routes: the span is told which one it is.
pub(crate) async fn note_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    route.map(|route| response.extensions_mut().insert(route));
    response
}

/// The reply, whose span ends with its last byte.
pub(crate) fn answered(span: Option<HttpSpan>, ids: &LogIds, mut response: Response) -> Response {
    let Some(mut span) = span else { return response };
    if let Some(route) = response.extensions_mut().remove::<MatchedPath>() {
        span.routed(route.as_str());
    }
    let refused = response.extensions().get::<Unnoted>().map_or("", |Unnoted(code)| code.as_str());
    span.answered(response.status().as_u16(), refused);
    if let Some(id) = ids.trace.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
        response.headers_mut().insert(TRACE, id);
    }
    // It ends with the last byte.
    response.map(|body| Body::new(Keeping::new(body, span)))
}
