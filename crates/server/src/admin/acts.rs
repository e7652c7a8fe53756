//! What can be done to accounts and keys, from JSON to JSON.
//!
//! It does not know HTTP, nor which tenant the caller may manage; that a key gives nothing that its maker lacks
//! is held here.

use super::wire::{self, AccountEdit, KeyEdit, NewAccount};
use serde_json::Value;
use yizhan_access::{Access, Principal, Scope};
use yizhan_domain::{Error, ErrorCode, KeyId, Result, TenantId};
use yizhan_store::{AccountId, Key};

/// All tenants, oldest first; or with a tenant its accounts of that kind (`project` or `user`).
/// `NotFound` when there is no such tenant.
pub async fn accounts(access: &Access, of: Option<(&TenantId, &str)>) -> Result<Vec<Value>> {
    let Some((tenant, kind)) = of else {
        return Ok(access.tenants().await?.iter().map(wire::account).collect());
    };
    access.account(&AccountId::Tenant(tenant.clone())).await?;
    let members = access.members(tenant).await?;
    Ok(members.iter().filter(|member| member.id.kind() == kind).map(wire::account).collect())
}

/// Makes a tenant, or with a tenant an account of that kind in it, from a body with `id`, `name` and `limits`.
pub async fn create_account(access: &Access, of: Option<(&TenantId, &str)>, body: Value) -> Result<Value> {
    let NewAccount { id, name, limits } = NewAccount::read(body)?;
    let id = match of {
        None => AccountId::Tenant(TenantId::new(id)),
        Some((tenant, kind)) => AccountId::of_kind(kind, tenant.clone(), &id)
            .ok_or_else(|| Error::internal(format!("There are no accounts of the kind '{kind}'.")))?,
    };
    Ok(wire::account(&access.create_account(id, &name, &limits).await?))
}

/// The account; `NotFound` when there is none.
pub async fn show_account(access: &Access, id: &AccountId) -> Result<Value> {
    Ok(wire::account(&access.account(id).await?))
}

/// Changes what a body with `name`, `disabled` or `limits` names. Limits change field by field; null goes
/// back to what is configured.
pub async fn change_account(access: &Access, id: &AccountId, body: Value) -> Result<Value> {
    let edit = AccountEdit::read(body)?;
    let mut outcome = Ok(());
    let changed = access.change_account(id, |terms| outcome = edit.apply(terms)).await?;
    outcome?;
    Ok(wire::account(&changed))
}

/// Ends an account with its keys, and a tenant with its projects and users.
pub async fn delete_account(access: &Access, id: &AccountId) -> Result<()> {
    access.delete_account(id).await
}

/// A tenant's keys, oldest first. `NotFound` when there is no such tenant.
pub async fn key_objects(access: &Access, tenant: &TenantId) -> Result<Vec<Value>> {
    access.account(&AccountId::Tenant(tenant.clone())).await?;
    Ok(access.keys(tenant).await?.iter().map(wire::key).collect())
}

/// Makes a key. The reply's `secret` is shown this once and kept nowhere. `PermissionDenied` when the key would
/// be good for something that the caller's is not.
pub async fn issue_key(access: &Access, by: &Principal, tenant: &TenantId, body: Value, now_ms: i64) -> Result<Value> {
    let request = wire::read_key(body, now_ms)?;
    let of_role = request.role.map_or(&[][..], yizhan_access::Role::scopes);
    not_above(by, of_role.iter().chain(&request.scopes).copied())?;
    by.require_models(&request.models)?;
    let (secret, key) = access.issue_key(tenant, request).await?;
    let mut object = wire::key(&key);
    object["secret"] = secret.into();
    Ok(object)
}

/// A key, with what it and those whom it belongs to have `used` of their limits. `NotFound` when the tenant has
/// no such key.
pub async fn show_key(access: &Access, tenant: &TenantId, id: &KeyId, now_ms: i64) -> Result<Value> {
    let key = key(access, tenant, id).await?;
    let mut object = wire::key(&key);
    object["used"] = wire::used(&access.used_by_key(&key).await?, now_ms);
    Ok(object)
}

/// Changes what a body with `role`, `scopes`, `disabled`, `expires_ms`, `models`, `networks` or `limits` names; it
/// counts for the next call. Scopes are those beside the role's. `NotFound` when the tenant has no such key,
/// `PermissionDenied` when it is, or would be, good for something that the caller's is not.
pub async fn change_key(
    access: &Access,
    by: &Principal,
    tenant: &TenantId,
    id: &KeyId,
    body: Value,
    now_ms: i64,
) -> Result<Value> {
    let edit = KeyEdit::read(body, now_ms)?;
    let changed = access.change_key(tenant, id, |key| {
        not_above(by, scopes(key))?;
        edit.apply(key)?;
        not_above(by, scopes(key))?;
        by.require_models(&key.terms.models)
    });
    Ok(wire::key(&changed.await?))
}

/// Ends a key; no later call is taken with it. Errors as for a change.
pub async fn revoke_key(access: &Access, by: &Principal, tenant: &TenantId, id: &KeyId) -> Result<()> {
    not_above(by, scopes(&key(access, tenant, id).await?))?;
    access.revoke(tenant, id).await
}

async fn key(access: &Access, tenant: &TenantId, id: &KeyId) -> Result<Key> {
    let keys = access.keys(tenant).await?;
    keys.into_iter().find(|key| key.id == *id).ok_or_else(|| Error::not_found("key", id))
}

fn scopes(key: &Key) -> impl Iterator<Item = Scope> {
    key.scopes.iter().filter_map(|word| Scope::parse(word))
}

/// Nobody gives or takes more than they have: with `keys` alone one could otherwise make oneself an
/// administrator.
fn not_above(by: &Principal, mut scopes: impl Iterator<Item = Scope>) -> Result<()> {
    match scopes.find(|scope| by.require(*scope).is_err()) {
        None => Ok(()),
        Some(scope) => {
            let message = format!(
                "The key is good for '{scope}', and yours ({}) is not: nobody makes, changes or ends a key that \
                 may do more than their own. Ask an administrator.",
                by.key()
            );
            Err(Error::new(ErrorCode::PermissionDenied, message))
        }
    }
}
