//! Accounts and keys in JSON: what is read of a request, and how they are shown.
//!
//! It does not know who asks. Limits are changed field by field, as a merge patch (RFC 7386) does: what is
//! left out stays, and null goes back to what is configured.

use super::fields::Fields;
use serde_json::{Map, Value, json};
use yizhan_access::{KeyRequest, Limits, Role, Scope};
use yizhan_domain::{Error, Result};
use yizhan_store::{Account, AccountId, AccountTerms, Key, KeyTerms};

/// A new account.
#[derive(Debug)]
pub(super) struct NewAccount {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) limits: Limits,
}

impl NewAccount {
    pub(super) fn read(body: Value) -> Result<Self> {
        let mut fields = Fields::of(body)?;
        let id = fields.text("id")?.ok_or_else(|| Error::invalid("id", "Give it an id."))?;
        let name = fields.text("name")?.unwrap_or_default();
        let limits = limits(fields.take("limits").unwrap_or_default())?;
        fields.end()?;
        Ok(Self { id, name, limits })
    }
}

/// What changes of an account.
#[derive(Debug)]
pub(super) struct AccountEdit {
    name: Option<String>,
    disabled: Option<bool>,
    limits: Option<Value>,
}

impl AccountEdit {
    pub(super) fn read(body: Value) -> Result<Self> {
        let mut fields = Fields::of(body)?;
        let edit =
            Self { name: fields.text("name")?, disabled: fields.flag("disabled")?, limits: fields.take("limits") };
        fields.end()?;
        Ok(edit)
    }

    /// Changes nothing when it fails.
    pub(super) fn apply(self, terms: &mut AccountTerms) -> Result<()> {
        change_limits(&mut terms.limits, self.limits)?;
        terms.name = self.name.unwrap_or_else(|| std::mem::take(&mut terms.name));
        terms.disabled = self.disabled.unwrap_or(terms.disabled);
        Ok(())
    }
}

/// A new key.
pub(super) fn read_key(body: Value, now_ms: i64) -> Result<KeyRequest> {
    let mut fields = Fields::of(body)?;
    let name = fields.text("name")?.ok_or_else(|| Error::invalid("name", "Give the key a name."))?;
    let role = fields.text("role")?.map(|word| role(&word)).transpose()?;
    let scopes = fields.texts("scopes")?.unwrap_or_default();
    let scopes = scopes.iter().map(|word| scope(word)).collect::<Result<_>>()?;
    let request = KeyRequest {
        name,
        role,
        scopes,
        project: fields.text("project")?.map(Into::into),
        user: fields.text("user")?.map(Into::into),
        expires_ms: fields.millis("expires_ms")?.flatten(),
        models: fields.texts("models")?.unwrap_or_default(),
        networks: fields.texts("networks")?.unwrap_or_default(),
        limits: limits(fields.take("limits").unwrap_or_default())?,
    };
    fields.end()?;
    check_expiry(request.expires_ms, now_ms)?;
    Ok(request)
}

/// What changes of a key.
#[derive(Debug)]
pub(super) struct KeyEdit {
    disabled: Option<bool>,
    expires_ms: Option<Option<i64>>,
    models: Option<Vec<String>>,
    networks: Option<Vec<String>>,
    limits: Option<Value>,
}

impl KeyEdit {
    pub(super) fn read(body: Value, now_ms: i64) -> Result<Self> {
        let mut fields = Fields::of(body)?;
        let edit = Self {
            disabled: fields.flag("disabled")?,
            expires_ms: fields.millis("expires_ms")?,
            models: fields.texts("models")?,
            networks: fields.texts("networks")?,
            limits: fields.take("limits"),
        };
        fields.end()?;
        check_expiry(edit.expires_ms.flatten(), now_ms)?;
        Ok(edit)
    }

    /// Changes nothing when it fails.
    pub(super) fn apply(self, terms: &mut KeyTerms) -> Result<()> {
        change_limits(&mut terms.limits, self.limits)?;
        terms.disabled = self.disabled.unwrap_or(terms.disabled);
        terms.expires_ms = self.expires_ms.unwrap_or(terms.expires_ms);
        if let Some(models) = self.models {
            terms.models = models;
        }
        if let Some(networks) = self.networks {
            terms.networks = networks;
        }
        Ok(())
    }
}

fn check_expiry(expires_ms: Option<i64>, now_ms: i64) -> Result<()> {
    match expires_ms {
        Some(time) if time <= now_ms => {
            let message = "'expires_ms' is in the past; disable the key instead, or give a later time.";
            Err(Error::invalid("expires_ms", message))
        }
        _ => Ok(()),
    }
}

fn role(word: &str) -> Result<Role> {
    let words: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    Role::parse(word).ok_or_else(|| one_of("role", word, &words))
}

fn scope(word: &str) -> Result<Scope> {
    let words: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    Scope::parse(word).ok_or_else(|| one_of("scopes", word, &words))
}

pub(super) fn one_of(name: &str, word: &str, words: &[&str]) -> Error {
    let shown: String = word.chars().take(60).collect();
    Error::invalid(name, format!("'{name}' takes {}, not '{shown}'.", words.join(", ")))
}

/// Limits; null for the configured ones.
fn limits(value: Value) -> Result<Limits> {
    if value.is_null() {
        return Ok(Limits::default());
    }
    let limits: Limits =
        serde_json::from_value(value).map_err(|cause| Error::invalid("limits", format!("'limits': {cause}.")))?;
    limits.check("limits")?;
    Ok(limits)
}

fn change_limits(kept: &mut Value, patch: Option<Value>) -> Result<()> {
    let Some(patch) = patch else { return Ok(()) };
    let merged = if patch.is_null() { Value::Null } else { merged(kept.clone(), patch) };
    let limits = limits(merged)?;
    *kept = if limits == Limits::default() { Value::Null } else { json!(limits) };
    Ok(())
}

/// RFC 7386. As deep as the body, whose depth has a limit.
fn merged(kept: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut fields = match kept {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for (name, change) in patch {
        match change {
            Value::Null => drop(fields.remove(&name)),
            change => {
                let before = fields.remove(&name).unwrap_or_default();
                fields.insert(name, merged(before, change));
            }
        }
    }
    Value::Object(fields)
}

/// An account as it is shown.
pub(super) fn account(account: &Account) -> Value {
    let Account { id, terms, declared, created_ms } = account;
    let mut object = json!({
        "id": id.own(),
        "object": id.kind(),
        "name": terms.name,
        "disabled": terms.disabled,
        "limits": shown_limits(&terms.limits),
        "declared": declared,
        "created_ms": created_ms,
    });
    if !matches!(id, AccountId::Tenant(_)) {
        object["tenant"] = json!(id.tenant());
    }
    object
}

/// A key as it is shown. Its secret is not known here.
pub(super) fn key(key: &Key) -> Value {
    let terms = &key.terms;
    json!({
        "id": key.id,
        "object": "key",
        "tenant": key.tenant,
        "name": key.name,
        "role": terms.role,
        "scopes": key.scopes,
        "project": terms.project,
        "user": terms.user,
        "expires_ms": terms.expires_ms,
        "models": terms.models,
        "networks": terms.networks,
        "limits": shown_limits(&terms.limits),
        "disabled": terms.disabled,
        "declared": key.declared,
        "created_ms": key.created_ms,
        "used_ms": key.used_ms,
    })
}

/// Limits of its own; the configured ones hold for what is not there.
fn shown_limits(limits: &Value) -> Value {
    if limits.is_null() { json!({}) } else { limits.clone() }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
