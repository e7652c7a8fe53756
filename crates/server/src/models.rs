//! `/v1/models`.

use crate::auth::Caller;
use crate::backend::ModelEntry;
use crate::error::{ApiResult, ok};
use crate::params::Path;
use crate::state::AppState;
use axum::extract::State;
use serde_json::json;
use std::sync::Arc;
use yizhan_dialect::openai::ModelObject;
use yizhan_domain::{Error, ErrorCode};

/// All that the caller may put into `model`.
pub(crate) async fn list(State(state): State<Arc<AppState>>, Caller(principal): Caller) -> ApiResult {
    let entries = state.chat.models(&principal).await?;
    let data: Vec<ModelObject<'_>> = entries.iter().map(object).collect();
    Ok(ok(&json!({"object": "list", "data": data})))
}

/// One of them.
pub(crate) async fn get(
    State(state): State<Arc<AppState>>,
    Caller(principal): Caller,
    Path(name): Path<String>,
) -> ApiResult {
    let entries = state.chat.models(&principal).await?;
    match entries.iter().find(|entry| entry.name.as_str() == name) {
        Some(entry) => Ok(ok(&json!(object(entry)))),
        None => {
            let message = format!("There is no model '{name}'; GET /v1/models lists the names.");
            Err(Error::new(ErrorCode::ModelNotFound, message).at("model").into())
        }
    }
}

fn object(entry: &ModelEntry) -> ModelObject<'_> {
    ModelObject::new(entry.name.as_str(), entry.created, &entry.owner, entry.kind.as_str())
}
