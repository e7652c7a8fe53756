//! `/admin/v1/usage`: what was used; and `/v1/limits`: what the calling key may still use.
//!
//! It does not know how usage is counted or limits are held.

use super::time::now_ms;
use super::{usage_query, wire};
use crate::auth::{Caller, UsageReader};
use crate::error::{ApiResult, ok};
use crate::state::AppState;
use axum::extract::{Query, State};
use axum::http::Uri;
use serde_json::json;
use std::sync::Arc;
use yizhan_access::{Principal, Scope};
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_store::{Dimension, UsageQuery};

/// Sums of usage: of the caller's tenant, or of all for the installation's own keys.
pub(crate) async fn usage(
    State(state): State<Arc<AppState>>,
    UsageReader(principal): UsageReader,
    uri: Uri,
) -> ApiResult {
    let usage = state.usage.as_ref().ok_or_else(|| Error::new(ErrorCode::NotFound, "No usage is counted here."))?;
    let query = own(&principal, usage_query::read(fields(&uri)?, now_ms())?)?;
    Ok(ok(&usage_query::write(&query, &usage.usage(&query).await?)))
}

/// The question, about what the caller may know of.
fn own(principal: &Principal, mut query: UsageQuery) -> Result<UsageQuery> {
    if principal.require_installation(Scope::Usage).is_ok() {
        return Ok(query);
    }
    let tenant = principal.tenant().as_str();
    let tenants = query.only.iter().filter(|(dimension, _)| *dimension == Dimension::Tenant);
    if let Some(other) = tenants.flat_map(|(_, values)| values).find(|value| *value != tenant) {
        return Err(Error::not_found("tenant", other).at("tenant"));
    }
    query.only.push((Dimension::Tenant, vec![tenant.to_owned()]));
    Ok(query)
}

/// Who the caller is here, and what is left of every limit that holds for them: requests, tokens and money of
/// tenant, project, user and key. With `model`, only what holds for that one.
pub(crate) async fn limits(State(state): State<Arc<AppState>>, Caller(principal): Caller, uri: Uri) -> ApiResult {
    let model = fields(&uri)?.into_iter().find(|(name, _)| name == "model").map(|(_, value)| value);
    let model = model.map(ModelName::new);
    let name = model.clone().unwrap_or_else(|| ModelName::new(""));
    let standing = state.access.standing(&principal, &name).await?;
    let used = state.access.used(&principal, model.as_ref()).await?;
    Ok(ok(&json!({
        "object": "limits",
        "tenant": principal.tenant(),
        "project": principal.project(),
        "user": principal.user(),
        "key": principal.key(),
        "role": principal.role(),
        "scopes": principal.scopes(),
        "model": model,
        "requests": standing.requests.map(wire::level),
        "tokens": standing.tokens.map(wire::level),
        "limits": wire::used(&used, now_ms()),
    })))
}

/// All fields of the query, also those that are there twice.
fn fields(uri: &Uri) -> Result<Vec<(String, String)>> {
    let Query(fields) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Error::invalid("query", format!("The query cannot be read: {error}.")))?;
    Ok(fields)
}
