//! `/admin/v1/tenants/{tenant}/reviews`, and `/v1/reviews/{review}` for who made the call.
//!
//! It does not know what holds calls, nor what follows from a decision.

use super::{of_path, review_acts as acts};
use crate::auth::{Caller, Reviewer};
use crate::body::SomeJson;
use crate::error::{ApiResult, ok};
use crate::state::AppState;
use axum::extract::{Path, Query, State};
use axum::http::Uri;
use serde_json::Value;
use std::sync::Arc;
use yizhan_access::{Principal, Scope};
use yizhan_dialect::openai::list as list_body;
use yizhan_domain::{Error, Result, ReviewId, TenantId};
use yizhan_gateway::Reviews;

fn queue(state: &AppState) -> Result<&Reviews> {
    state.reviews.as_ref().ok_or_else(|| Error::not_found("queue", "reviews"))
}

async fn own(state: &AppState, principal: &Principal, tenant: &str) -> Result<TenantId> {
    of_path(state, principal, tenant, Scope::Review).await
}

/// What is held in a tenant, newest first unless asked otherwise.
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Reviewer(principal): Reviewer,
    Path(tenant): Path<String>,
    uri: Uri,
) -> ApiResult {
    let tenant = own(&state, &principal, &tenant).await?;
    let Query(fields) = Query::<Vec<(String, String)>>::try_from_uri(&uri)
        .map_err(|error| Error::invalid("query", format!("The query cannot be read: {error}.")))?;
    let (objects, has_more) = acts::review_objects(queue(&state)?, &tenant, &fields).await?;
    Ok(ok(&list_body(objects, has_more)))
}

/// All of one item.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    Reviewer(principal): Reviewer,
    Path((tenant, id)): Path<(String, String)>,
) -> ApiResult {
    let tenant = own(&state, &principal, &tenant).await?;
    Ok(ok(&acts::show_review(queue(&state)?, &tenant, &id).await?))
}

/// Lets it go on.
pub(crate) async fn approve(
    state: State<Arc<AppState>>,
    reviewer: Reviewer,
    path: Path<(String, String)>,
    body: SomeJson,
) -> ApiResult {
    decide(state, reviewer, path, body.0, "approve").await
}

/// Lets it go on with another text.
pub(crate) async fn edit(
    state: State<Arc<AppState>>,
    reviewer: Reviewer,
    path: Path<(String, String)>,
    body: SomeJson,
) -> ApiResult {
    decide(state, reviewer, path, body.0, "edit").await
}

/// Does not let it go on.
pub(crate) async fn reject(
    state: State<Arc<AppState>>,
    reviewer: Reviewer,
    path: Path<(String, String)>,
    body: SomeJson,
) -> ApiResult {
    decide(state, reviewer, path, body.0, "reject").await
}

async fn decide(
    State(state): State<Arc<AppState>>,
    Reviewer(principal): Reviewer,
    Path((tenant, id)): Path<(String, String)>,
    body: Value,
    verdict: &str,
) -> ApiResult {
    let tenant = own(&state, &principal, &tenant).await?;
    Ok(ok(&acts::decide_review(queue(&state)?, &principal, &tenant, &id, verdict, body).await?))
}

/// The caller's own item.
pub(crate) async fn of_caller(
    State(state): State<Arc<AppState>>,
    Caller(principal): Caller,
    Path(id): Path<String>,
) -> ApiResult {
    let id = ReviewId::new(id);
    let review = match &state.reviews {
        Some(reviews) => reviews.of_caller(&principal, &id).await?,
        None => return Err(Error::not_found("review", id).into()),
    };
    Ok(ok(&acts::of_caller(&review)))
}
