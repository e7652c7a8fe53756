//! `/healthz`, `/readyz` and `/metrics`.

use crate::auth::Caller;
use crate::error::{ApiResult, json_reply, ok};
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;
use yizhan_access::Scope;
use yizhan_domain::Error;

/// The process answers.
pub(crate) async fn alive() -> Response {
    ok(&json!({"status": "ok"}))
}

/// The store is reachable and the indexes have caught up; or not, and why.
pub(crate) async fn ready(State(state): State<Arc<AppState>>) -> Response {
    let reasons = state.knowledge.not_ready().await;
    if reasons.is_empty() {
        ok(&json!({"status": "ready", "reasons": []}))
    } else {
        json_reply(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "not_ready", "reasons": reasons}))
    }
}

/// What Prometheus scrapes. It tells of all tenants, so it takes an operator of the installation.
pub(crate) async fn metrics(
    State(state): State<Arc<AppState>>,
    Caller(principal): Caller,
    headers: HeaderMap,
) -> ApiResult {
    principal.require_installation(Scope::Operate)?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let (kind, text) = state.chat.metrics(accept).ok_or_else(|| Error::not_found("metric", "any"))?;
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
