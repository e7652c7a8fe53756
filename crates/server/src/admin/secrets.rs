//! `/admin/v1/secrets`: keys of providers, kept sealed. Of a secret's value nothing is told but its end.
//!
//! It does not know how secrets are sealed. They are the installation's own: tenants have none.

use super::accounts::page;
use super::fields::Fields;
use crate::auth::Operator;
use crate::body::JsonBody;
use crate::error::{ApiResult, ok};
use crate::page::PageQuery;
use crate::state::AppState;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use std::sync::Arc;
use yizhan_dialect::openai::deleted;
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_vault::{SecretInfo, Vault};

/// All secrets, by name, without their values.
pub async fn secret_objects(vault: &Vault) -> Result<Vec<Value>> {
    Ok(vault.list().await?.iter().map(object).collect())
}

/// Keeps a secret from a body with `value`.
pub async fn set_secret(vault: &Vault, name: &str, body: Value) -> Result<Value> {
    let mut fields = Fields::of(body)?;
    let value = fields.text("value")?.map(zeroize::Zeroizing::new);
    fields.end()?;
    let value = value.ok_or_else(|| Error::invalid("value", "The body needs a 'value', the secret itself."))?;
    Ok(object(&vault.set(name, &value).await?))
}

/// Seals all secrets with a new master key.
pub async fn change_master_key(vault: &Vault) -> Result<Value> {
    Ok(json!({"object": "master_key", "resealed": vault.rekey().await?}))
}

fn object(info: &SecretInfo) -> Value {
    json!({
        "id": info.name,
        "object": "secret",
        "changed_ms": info.changed_ms,
        "ending": info.ending,
        "fault": info.fault.as_ref().map(Error::message),
    })
}

fn vault(state: &AppState) -> Result<&Vault> {
    let none = || Error::new(ErrorCode::NotFound, "This server keeps no secrets.");
    state.vault.as_deref().ok_or_else(none)
}

/// Lists secrets.
pub(crate) async fn list(State(state): State<Arc<AppState>>, _: Operator, query: PageQuery) -> ApiResult {
    page(secret_objects(vault(&state)?).await?, &query)
}

/// Sets a secret.
pub(crate) async fn set(
    State(state): State<Arc<AppState>>,
    _: Operator,
    Path(name): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    Ok(ok(&set_secret(vault(&state)?, &name, body).await?))
}

/// Removes a secret.
pub(crate) async fn remove(State(state): State<Arc<AppState>>, _: Operator, Path(name): Path<String>) -> ApiResult {
    vault(&state)?.remove(&name).await?;
    Ok(ok(&deleted(&name, "secret.deleted")))
}

/// Changes the master key.
pub(crate) async fn rekey(State(state): State<Arc<AppState>>, _: Operator) -> ApiResult {
    Ok(ok(&change_master_key(vault(&state)?).await?))
}
