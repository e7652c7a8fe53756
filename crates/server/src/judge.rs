//! `/v1/rerank`, `/v2/rerank` and `/v1/moderations`.

use crate::auth::Asker;
use crate::backend::Moderated;
use crate::body::JsonBody;
use crate::chat::Facts;
use crate::error::{ApiError, ApiResult, ok};

use crate::state::AppState;
use axum::extract::State;
use std::sync::Arc;
use yizhan_dialect::openai::{CategoryScore, ModerationRequest, ModerationResult, moderation_reply};
use yizhan_dialect::{RerankRequest, RerankVersion, rerank_reply};
use yizhan_domain::{ModelName, random_id};

/// Orders documents by a query, Jina's way.
pub(crate) async fn rerank(state: State<Arc<AppState>>, asker: Asker, body: JsonBody) -> ApiResult {
    scored(state, asker, body, RerankVersion::V1).await
}

/// Orders documents by a query, Cohere's way.
pub(crate) async fn rerank_v2(state: State<Arc<AppState>>, asker: Asker, body: JsonBody) -> ApiResult {
    scored(state, asker, body, RerankVersion::V2).await
}

async fn scored(
    State(state): State<Arc<AppState>>,
    Asker(caller): Asker,
    JsonBody(body): JsonBody,
    version: RerankVersion,
) -> ApiResult {
    let request = RerankRequest::read(body, version)?;
    let (model, query, passages) =
        (ModelName::new(request.model.as_str()), request.query.clone(), request.documents.clone());
    let answered = state.chat.rerank(&caller, model, query, passages).await.map_err(ApiError::noted)?;
    let (facts, (scores, usage)) = (Facts::at_once(&answered), answered.value);
    Ok(facts.onto(ok(&rerank_reply(&random_id("rerank-"), &request, &scores, Some(usage.prompt_tokens)))))
}

/// What the rules find in texts.
pub(crate) async fn moderate(
    State(state): State<Arc<AppState>>,
    Asker(caller): Asker,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let request = ModerationRequest::read(body)?;
    let model = ModelName::new(request.model.as_deref().unwrap_or("rules"));
    let texts = request.inputs.iter().map(|input| input.text.clone()).collect();
    let answered = state.chat.moderate(&caller, model.clone(), texts).await.map_err(ApiError::noted)?;
    let facts = Facts::at_once(&answered);
    let results: Vec<ModerationResult> = answered.value.into_iter().map(result).collect();
    Ok(facts.onto(ok(&moderation_reply(&random_id("modr-"), model.as_str(), &results))))
}

/// Rules look at texts alone, and are sure of what they find.
fn result(found: Moderated) -> ModerationResult {
    let categories = found.categories.into_iter();
    let score = |(category, flagged)| CategoryScore { category, score: 1.0, flagged, text: true, image: false };
    ModerationResult { categories: categories.map(score).collect() }
}
