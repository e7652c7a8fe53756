//! `/admin/v1/tenants`, and the projects and users of each.
//!
//! Tenants are the installation's administrator's; projects and users also their own tenant's.

use super::{acts, managed};
use crate::auth::{Administrator, Manager};
use crate::body::JsonBody;
use crate::error::{ApiResult, ok};
use crate::notes::noting;
use crate::page::PageQuery;
use crate::params::Path;
use crate::state::AppState;
use axum::extract::State;
use serde_json::Value;
use std::sync::Arc;
use yizhan_access::Principal;
use yizhan_dialect::openai::{deleted, list as list_body};
use yizhan_domain::{Error, Result, TenantId};
use yizhan_store::AccountId;

/// A kind of member of a tenant.
pub(crate) trait Member: Send + Sync + 'static {
    /// `project` or `user`.
    const KIND: &'static str;
    /// What a reply to its deletion is called.
    const DELETED: &'static str;
}

/// Projects.
pub(crate) struct Project;
/// Users.
pub(crate) struct User;

impl Member for Project {
    const KIND: &'static str = "project";
    const DELETED: &'static str = "project.deleted";
}

impl Member for User {
    const KIND: &'static str = "user";
    const DELETED: &'static str = "user.deleted";
}

/// All tenants.
pub(crate) async fn tenants(State(state): State<Arc<AppState>>, _: Administrator, query: PageQuery) -> ApiResult {
    page(acts::accounts(&state.access, None).await?, &query)
}

/// Makes a tenant.
pub(crate) async fn create_tenant(
    State(state): State<Arc<AppState>>,
    _: Administrator,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let asked = body.clone();
    Ok(noting(ok(&acts::create_account(&state.access, None, body).await?), None, asked))
}

/// One tenant; also for who manages keys in it.
pub(crate) async fn get_tenant(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path(tenant): Path<String>,
) -> ApiResult {
    let tenant = managed(&state, &principal, &tenant).await?;
    Ok(ok(&acts::show_account(&state.access, &AccountId::Tenant(tenant)).await?))
}

/// Changes a tenant. Nobody changes the limits that they are held to: the installation's administrator does.
pub(crate) async fn change_tenant(
    State(state): State<Arc<AppState>>,
    _: Administrator,
    Path(tenant): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let asked = body.clone();
    let changed = acts::change_account(&state.access, &AccountId::Tenant(tenant.into()), body).await?;
    Ok(noting(ok(&changed), None, asked))
}

/// Ends a tenant.
pub(crate) async fn delete_tenant(
    State(state): State<Arc<AppState>>,
    _: Administrator,
    Path(tenant): Path<String>,
) -> ApiResult {
    acts::delete_account(&state.access, &AccountId::Tenant(TenantId::from(tenant.as_str()))).await?;
    Ok(ok(&deleted(&tenant, "tenant.deleted")))
}

/// A tenant's projects or users.
pub(crate) async fn list<M: Member>(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path(tenant): Path<String>,
    query: PageQuery,
) -> ApiResult {
    let tenant = managed(&state, &principal, &tenant).await?;
    page(acts::accounts(&state.access, Some((&tenant, M::KIND))).await?, &query)
}

/// Makes a project or user.
pub(crate) async fn create<M: Member>(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path(tenant): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let tenant = managed(&state, &principal, &tenant).await?;
    let asked = body.clone();
    Ok(noting(ok(&acts::create_account(&state.access, Some((&tenant, M::KIND)), body).await?), None, asked))
}

/// One project or user.
pub(crate) async fn get<M: Member>(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path((tenant, id)): Path<(String, String)>,
) -> ApiResult {
    let id = member::<M>(&state, &principal, &tenant, &id).await?;
    Ok(ok(&acts::show_account(&state.access, &id).await?))
}

/// Changes a project or user.
pub(crate) async fn change<M: Member>(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path((tenant, id)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let id = member::<M>(&state, &principal, &tenant, &id).await?;
    let asked = body.clone();
    Ok(noting(ok(&acts::change_account(&state.access, &id, body).await?), None, asked))
}

/// Ends a project or user.
pub(crate) async fn delete<M: Member>(
    State(state): State<Arc<AppState>>,
    Manager(principal): Manager,
    Path((tenant, id)): Path<(String, String)>,
) -> ApiResult {
    let id = member::<M>(&state, &principal, &tenant, &id).await?;
    acts::delete_account(&state.access, &id).await?;
    Ok(ok(&deleted(id.own(), M::DELETED)))
}

async fn member<M: Member>(state: &AppState, principal: &Principal, tenant: &str, id: &str) -> Result<AccountId> {
    let tenant = managed(state, principal, tenant).await?;
    AccountId::of_kind(M::KIND, tenant, id).ok_or_else(|| Error::not_found(M::KIND, id))
}

/// The part of a list that is asked for.
pub(super) fn page(items: Vec<Value>, query: &PageQuery) -> ApiResult {
    let (items, has_more) = query.part(items, |item| item["id"].as_str().unwrap_or_default())?;
    Ok(ok(&list_body(items, has_more)))
}
