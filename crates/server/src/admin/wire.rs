//! Accounts and keys in JSON: what is read of a request, and how they are shown.
//!
//! It does not know who asks. Limits are changed field by field, as a merge patch (RFC 7386) does: what is
//! left out stays, and null goes back to what is configured.

use super::fields::Fields;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use yizhan_access::{KeyRequest, Level, Limits, Role, Scope, Spent, Subject, Used};
use yizhan_domain::{Error, Result};
use yizhan_store::{Account, AccountId, AccountTerms, Key};

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
    role: Option<Option<Role>>,
    scopes: Option<Vec<Scope>>,
    disabled: Option<bool>,
    expires_ms: Option<Option<i64>>,
    models: Option<Vec<String>>,
    networks: Option<Vec<String>>,
    limits: Option<Value>,
}

impl KeyEdit {
    pub(super) fn read(body: Value, now_ms: i64) -> Result<Self> {
        let mut fields = Fields::of(body)?;
        let scopes = fields.texts("scopes")?.map(|words| words.iter().map(|word| scope(word)).collect::<Result<_>>());
        let edit = Self {
            role: read_role(fields.take("role"))?,
            scopes: scopes.transpose()?,
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
    pub(super) fn apply(self, key: &mut Key) -> Result<()> {
        change_limits(&mut key.terms.limits, self.limits)?;
        if self.role.is_some() || self.scopes.is_some() {
            let role = key.terms.role.as_deref().and_then(Role::parse);
            key.scopes = scopes_after(&key.scopes, role, self.role.unwrap_or(role), self.scopes);
        }
        let terms = &mut key.terms;
        if let Some(role) = self.role {
            terms.role = role.map(|role| role.as_str().to_owned());
        }
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

/// None when it is not there, and a null that takes the role away.
fn read_role(value: Option<Value>) -> Result<Option<Option<Role>>> {
    match value {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(word)) => role(&word).map(|role| Some(Some(role))),
        Some(_) => Err(Error::invalid("role", "'role' must be a string, or null for none.")),
    }
}

/// All scopes of a key with this role: the role's own, and those beside it, which stay unless others are given.
fn scopes_after(kept: &[String], before: Option<Role>, role: Option<Role>, given: Option<Vec<Scope>>) -> Vec<String> {
    let of = |role: Option<Role>| role.map_or(&[][..], Role::scopes).iter().map(|scope| scope.as_str());
    let mut scopes: Vec<String> = of(role).map(str::to_owned).collect();
    let beside: Vec<String> = match given {
        Some(given) => given.iter().map(|scope| scope.as_str().to_owned()).collect(),
        None => kept.iter().filter(|word| !of(before).any(|of_role| of_role == *word)).cloned().collect(),
    };
    for scope in beside {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
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

/// What everyone has used whose limits hold. The fields are named as the limits are; only what is limited is there.
pub(super) fn used(all: &[(Arc<Subject>, Used)], now_ms: i64) -> Value {
    all.iter().map(|(subject, used)| used_by(subject, used, now_ms)).collect()
}

fn used_by(subject: &Subject, used: &Used, now_ms: i64) -> Value {
    let mut object = json!({"of": subject.kind(), "id": subject.own(), "models": subject.models()});
    let levels = [("requests_per_second", used.requests), ("tokens_per_minute", used.tokens)];
    for (name, level) in levels.into_iter().filter_map(|(name, level)| Some((name, level?))) {
        object[name] = self::level(level);
    }
    if let Some(Level { limit, remaining, .. }) = used.concurrent {
        object["concurrent_requests"] = json!({"limit": limit, "remaining": remaining});
    }
    let budgets = [("money_per_day", used.day), ("money_per_month", used.month)];
    for (name, Spent { limit, spent, reset }) in budgets.into_iter().filter_map(|(name, spent)| Some((name, spent?))) {
        let reset_ms = u64::try_from(reset.as_millis()).unwrap_or(u64::MAX);
        object[name] = json!({
            "limit": limit.to_f64(),
            "spent": spent.to_f64(),
            "remaining": (limit - spent).max(yizhan_domain::Money::ZERO).to_f64(),
            "reset_ms": reset_ms,
            "resets_at_ms": now_ms.saturating_add_unsigned(reset_ms),
        });
    }
    object
}

/// A limit of requests or tokens.
pub(super) fn level(level: Level) -> Value {
    let reset_ms = u64::try_from(level.reset.as_millis()).unwrap_or(u64::MAX);
    json!({"limit": level.limit, "remaining": level.remaining, "reset_ms": reset_ms})
}

/// Limits of its own; the configured ones hold for what is not there.
fn shown_limits(limits: &Value) -> Value {
    if limits.is_null() { json!({}) } else { limits.clone() }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
