//! `/admin/v1/tenants/{tenant}/keys`.
//!
//! It does not know what a key permits beyond what `acts` holds it to.

use super::accounts::page;
use super::time::now_ms;
use super::{acts, managed};
use crate::auth::Manager;
use crate::body::JsonBody;
use crate::error::{ApiResult, ok};
use crate::notes::noting;
use crate::page::PageQuery;
use crate::params::Path;
use crate::state::AppState;
use axum::extract::State;
use std::sync::Arc;
use yizhan_dialect::openai::deleted;
use yizhan_domain::KeyId;

/// A tenant's keys, without their secrets, which nobody has.
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path(tenant): Path<String>,
    query: PageQuery,
) -> ApiResult {
    let tenant = managed(&state, &principal, &tenant).await?;
    page(acts::key_objects(&state.access, &tenant).await?, &query)
}

/// One key, and how much of the limits is left that hold for it.
pub(crate) async fn get(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path((tenant, id)): Path<(String, String)>,
) -> ApiResult {
    let tenant = managed(&state, &principal, &tenant).await?;
    Ok(ok(&acts::show_key(&state.access, &tenant, &KeyId::new(id), now_ms()).await?))
}

/// Makes a key; the only reply that has its secret.
pub(crate) async fn issue(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path(tenant): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let tenant = managed(&state, &principal, &tenant).await?;
    let asked = body.clone();
    let made = acts::issue_key(&state.access, &principal, &tenant, body, now_ms()).await?;
    let mut response = noting(ok(&made), made["id"].as_str(), asked);
    let never = axum::http::HeaderValue::from_static("no-store");
    response.headers_mut().insert(axum::http::header::CACHE_CONTROL, never);
    Ok(response)
}

/// Changes a key, from its next call on.
pub(crate) async fn change(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path((tenant, id)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let tenant = managed(&state, &principal, &tenant).await?;
    let asked = body.clone();
    let changed = acts::change_key(&state.access, &principal, &tenant, &KeyId::new(id), body, now_ms()).await?;
    Ok(noting(ok(&changed), None, asked))
}

/// Ends a key.
pub(crate) async fn revoke(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path((tenant, id)): Path<(String, String)>,
) -> ApiResult {
    let tenant = managed(&state, &principal, &tenant).await?;
    acts::revoke_key(&state.access, &principal, &tenant, &KeyId::new(id.as_str())).await?;
    Ok(ok(&deleted(&id, "key.deleted")))
}
