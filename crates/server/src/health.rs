//! `/healthz` and `/readyz`.

use crate::error::{json_reply, ok};
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

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
