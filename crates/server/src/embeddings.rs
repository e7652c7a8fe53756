//! `/v1/embeddings`.

use crate::auth::Asker;
use crate::body::JsonBody;
use crate::chat::Facts;
use crate::error::{ApiError, ApiResult, json_text};
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use std::sync::Arc;
use yizhan_dialect::openai::{EmbeddingRequest, InputType, embedding_reply};
use yizhan_domain::{Error, ModelName};
use yizhan_model::EmbedKind;

/// Vectors of texts.
pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    Asker(caller): Asker,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let request = EmbeddingRequest::read(body)?;
    let kind = match request.input_type {
        InputType::Plain => EmbedKind::Plain,
        InputType::Query => EmbedKind::Query,
        InputType::Passage => EmbedKind::Passage,
    };
    let model = ModelName::new(request.model.as_str());
    let answered = state.chat.embed(&caller, model, kind, request.inputs).await.map_err(ApiError::noted)?;
    let (facts, embeddings) = (Facts::at_once(&answered), answered.value);
    if let Some(wanted) = request.dimensions.filter(|wanted| *wanted != embeddings.dimensions) {
        let message = format!(
            "'dimensions' is {wanted}, but the vectors of '{}' have {} numbers; leave it out.",
            request.model, embeddings.dimensions
        );
        return Err(Error::invalid("dimensions", message).into());
    }
    let reply = embedding_reply(&request.model, embeddings.rows(), request.encoding, embeddings.tokens);
    Ok(facts.onto(json_text(StatusCode::OK, reply)))
}
