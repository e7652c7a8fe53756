//! Tenants, projects, users and keys as the configuration declares them.
//!
//! It does not know the file or the environment: secrets that stand there are brought to it.

use crate::limits::Limits;
use crate::manage::{KeyRequest, check_account, check_given, check_id};
use crate::{Access, Role, Scope, secret, subjects};
use serde::{Deserialize, Serialize};
use yizhan_domain::{Error, ErrorCode, Result, TenantId};
use yizhan_store::{AccountId, AccountTerms, Declaration, Declared};

/// A `[[tenants]]` of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredTenant {
    /// 1 to 64 letters, digits, `.`, `_`, `-` or `@`; for ever the same.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// Its keys are refused while this is true.
    #[serde(default)]
    pub disabled: bool,
    /// In place of `[limits.tenant]`.
    #[serde(default)]
    pub limits: Limits,
    /// Its projects.
    #[serde(default)]
    pub projects: Vec<DeclaredMember>,
    /// Its users.
    #[serde(default)]
    pub users: Vec<DeclaredMember>,
    /// Its keys.
    #[serde(default)]
    pub keys: Vec<DeclaredKey>,
}

/// A `[[tenants.projects]]` or `[[tenants.users]]` of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredMember {
    /// As a tenant's; of one tenant no two projects, or users, have the same.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// Its keys are refused while this is true.
    #[serde(default)]
    pub disabled: bool,
    /// In place of `[limits.project]` or `[limits.user]`.
    #[serde(default)]
    pub limits: Limits,
}

/// A `[[tenants.keys]]` of the configuration. The secret itself never stands there: its hash does, or
/// the name of the environment variable that holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredKey {
    /// What people call it.
    pub name: String,
    /// SHA-256 of the secret in hexadecimal, as `printf %s "$KEY" | sha256sum` prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The environment variable that holds the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// `admin`, `operator`, `developer`, `application`, `auditor` or `reviewer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Scopes beside the role's: `admin`, `inference`, `documents`, `keys`, `audit`, `usage`, `review`, `operate`.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    /// The project that it works for, one of this tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Who holds it, one of this tenant's users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Good until then, milliseconds since 1970. For ever unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
    /// Names of models that it may use, with `*` for any text. All unless given.
    #[serde(default)]
    pub models: Vec<String>,
    /// Networks that it may be shown from, such as `10.0.0.0/8` or `2001:db8::/32`. All unless given.
    #[serde(default)]
    pub networks: Vec<String>,
    /// In place of `[limits.key]`.
    #[serde(default)]
    pub limits: Limits,
    /// Refused while this is true.
    #[serde(default)]
    pub disabled: bool,
}

impl DeclaredTenant {
    /// Puts the hash of each environment variable that a key names in its place. `InvalidConfig` when a
    /// variable is missing or holds no possible secret.
    pub fn resolve(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<()> {
        for key in &mut self.keys {
            let Some(name) = key.env.take() else { continue };
            let wrong = |what: &str| {
                let message =
                    format!("The key '{}' of the tenant '{}': the variable {name} {what}.", key.name, self.id);
                Error::new(ErrorCode::InvalidConfig, message)
            };
            if key.sha256.is_some() {
                return Err(wrong("is named beside a sha256; keep one of the two"));
            }
            let secret = variable(&name).ok_or_else(|| wrong("is not set"))?;
            check_given(&secret).map_err(|_| wrong("is no key: it must be 1 to 512 visible ASCII characters"))?;
            key.sha256 = Some(secret::hash(&secret));
        }
        Ok(())
    }
}

impl DeclaredTenant {
    /// `InvalidConfig` when these declarations make no sense, alone or together; the check of a dry run.
    /// Each key must be resolved.
    pub fn check_all(tenants: &[Self]) -> Result<()> {
        declaration(tenants).map(drop)
    }
}

impl Access {
    /// Makes what the configuration declares true, all at once: new declarations are made, changed ones
    /// changed, and what is declared no more is removed (or, where something made by command or API hangs
    /// on it, disabled). What was made by command or API is left alone.
    ///
    /// `InvalidConfig` when a declaration makes no sense, `Conflict` when it has the id of something
    /// made by command or API; then nothing is changed.
    pub async fn reconcile(&self, tenants: &[DeclaredTenant]) -> Result<Declared> {
        let declaration = declaration(tenants)?;
        let outcome = self.keys.declare(declaration).await;
        self.forget();
        outcome
    }
}

/// What the declarations come to.
fn declaration(tenants: &[DeclaredTenant]) -> Result<Declaration> {
    let mut all = Declaration::default();
    for tenant in tenants {
        add_tenant(&mut all, tenant).map_err(|error| {
            let context = format!("The tenant '{}' of the configuration", tenant.id);
            Error::new(ErrorCode::InvalidConfig, error.message()).context(context)
        })?;
    }
    Ok(all)
}

fn add_tenant(all: &mut Declaration, tenant: &DeclaredTenant) -> Result<()> {
    let id = TenantId::from(tenant.id.as_str());
    let (name, disabled) = (tenant.name.clone(), tenant.disabled);
    add_account(all, AccountId::Tenant(id.clone()), name, disabled, &tenant.limits)?;
    let projects = tenant.projects.iter().map(|m| (AccountId::Project(id.clone(), m.id.as_str().into()), m));
    let users = tenant.users.iter().map(|m| (AccountId::User(id.clone(), m.id.as_str().into()), m));
    for (id, member) in projects.chain(users) {
        add_account(all, id, member.name.clone(), member.disabled, &member.limits)?;
    }
    for key in &tenant.keys {
        add_key(all, &id, key).map_err(|error| error.context(format!("the key '{}'", key.name)))?;
    }
    Ok(())
}

fn add_account(all: &mut Declaration, id: AccountId, name: String, disabled: bool, limits: &Limits) -> Result<()> {
    check_id(&id)?;
    if all.accounts.iter().any(|(other, _)| *other == id) {
        return Err(Error::invalid("id", format!("There are two declarations of the {id}.")));
    }
    let terms = AccountTerms { name, disabled, limits: subjects::write(limits)? };
    check_account(&terms)?;
    all.accounts.push((id, terms));
    Ok(())
}

fn add_key(all: &mut Declaration, tenant: &TenantId, key: &DeclaredKey) -> Result<()> {
    let hash = key.sha256.as_deref().map(str::to_lowercase).filter(|hash| secret::is_hash(hash));
    let hash =
        hash.ok_or_else(|| Error::invalid("sha256", "it needs a sha256 of 64 hexadecimal digits, or an env."))?;
    if all.keys.iter().any(|other| other.hash == hash) {
        return Err(Error::invalid("sha256", "another key has the same secret."));
    }
    let request = KeyRequest {
        name: key.name.clone(),
        role: key.role,
        scopes: key.scopes.clone(),
        project: key.project.as_deref().map(Into::into),
        user: key.user.as_deref().map(Into::into),
        expires_ms: key.expires_ms,
        models: key.models.clone(),
        networks: key.networks.clone(),
        limits: key.limits.clone(),
    };
    let mut new = request.into_key(tenant.clone(), hash)?;
    new.terms.disabled = key.disabled;
    let needed = [
        new.terms.project.clone().map(|project| AccountId::Project(tenant.clone(), project)),
        new.terms.user.clone().map(|user| AccountId::User(tenant.clone(), user)),
    ];
    if let Some(missing) = needed.into_iter().flatten().find(|id| !all.accounts.iter().any(|(other, _)| other == id)) {
        return Err(Error::invalid("keys", format!("it names the {missing}, which is not declared.")));
    }
    all.keys.push(new);
    Ok(())
}

#[cfg(test)]
#[path = "declare_tests.rs"]
mod tests;
