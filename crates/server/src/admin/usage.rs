//! `/admin/v1/usage`: what was used; and `/v1/limits`: what the calling key may still use.
//!
//! It does not know how usage is counted or limits are held.

use super::time::now_ms;
use super::usage_query;
use crate::auth::{Caller, UsageReader};
use crate::error::{ApiResult, ok};
use crate::state::AppState;
use axum::extract::{Query, State};
use axum::http::Uri;
use serde_json::{Value, json};
use std::sync::Arc;
use yizhan_access::{Level, Principal, Scope};
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

/// Who the caller is here, and how near to their limits for requests and tokens; with `model`, to those of that
/// model too.
pub(crate) async fn limits(State(state): State<Arc<AppState>>, Caller(principal): Caller, uri: Uri) -> ApiResult {
    let model = fields(&uri)?.into_iter().find(|(name, _)| name == "model").map(|(_, value)| value);
    let standing = state.access.standing(&principal, &ModelName::new(model.as_deref().unwrap_or_default())).await?;
    Ok(ok(&json!({
        "object": "limits",
        "tenant": principal.tenant(),
        "project": principal.project(),
        "user": principal.user(),
        "key": principal.key(),
        "role": principal.role(),
        "scopes": principal.scopes(),
        "model": model,
        "requests": standing.requests.map(level),
        "tokens": standing.tokens.map(level),
    })))
}

fn level(level: Level) -> Value {
    let reset_ms = u64::try_from(level.reset.as_millis()).unwrap_or(u64::MAX);
    json!({"limit": level.limit, "remaining": level.remaining, "reset_ms": reset_ms})
}

/// All fields of the query, also those that are there twice.
fn fields(uri: &Uri) -> Result<Vec<(String, String)>> {
    let Query(fields) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Error::invalid("query", format!("The query cannot be read: {error}.")))?;
    Ok(fields)
}
