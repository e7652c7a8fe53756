//! Keys, tenants, projects and users: made, changed and ended.
//!
//! It does not know who asks; the caller has checked that they may.

use crate::limits::Limits;
use crate::network::Network;
use crate::{Access, Role, Scope, secret, subjects};
use yizhan_domain::{Error, ErrorCode, KeyId, ProjectId, Result, TenantId, UserId};
use yizhan_store::{Account, AccountId, AccountTerms, Key, KeyTerms, NewKey};

/// Longest name of a key or account, in characters.
const MAX_NAME: usize = 100;

/// Longest id of an account, in bytes.
const MAX_ID: usize = 64;

/// A secret shorter than this can be guessed.
const SHORT: usize = 20;

/// Longest secret that an administrator may choose.
const MAX_GIVEN: usize = 512;

/// What a new key is to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyRequest {
    /// What people call it.
    pub name: String,
    /// A word for scopes.
    pub role: Option<Role>,
    /// Scopes beside the role's. A key needs a role or a scope.
    pub scopes: Vec<Scope>,
    /// The project that it works for.
    pub project: Option<ProjectId>,
    /// Who holds it.
    pub user: Option<UserId>,
    /// Good until then, milliseconds since 1970.
    pub expires_ms: Option<i64>,
    /// Names of models, with `*` for any text; empty for all.
    pub models: Vec<String>,
    /// Networks such as `10.0.0.0/8`; empty for all.
    pub networks: Vec<String>,
    /// Limits of its own.
    pub limits: Limits,
}

impl KeyRequest {
    /// What is kept of it, for a secret with this hash.
    pub(crate) fn into_key(self, tenant: TenantId, hash: String) -> Result<NewKey> {
        check_name(&self.name)?;
        let of_role = self.role.map_or(&[][..], Role::scopes);
        let mut scopes: Vec<Scope> = of_role.to_vec();
        scopes.extend(self.scopes.iter().filter(|scope| !of_role.contains(scope)));
        let terms = KeyTerms {
            project: self.project,
            user: self.user,
            role: self.role.map(|role| role.as_str().to_owned()),
            expires_ms: self.expires_ms,
            models: self.models,
            networks: self.networks,
            limits: subjects::write(&self.limits)?,
            disabled: false,
        };
        check_terms(&terms)?;
        let scopes: Vec<String> = scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
        check_scopes(&scopes)?;
        Ok(NewKey { tenant, name: self.name, hash, scopes, terms })
    }
}

impl Access {
    /// Makes a key; returns its secret, which is kept nowhere and is shown to the caller this once.
    /// `InvalidRequest` when the name is empty, too long, or no scope is given; `NotFound` when there
    /// is no such tenant.
    pub async fn issue(&self, tenant: &TenantId, name: &str, scopes: &[Scope]) -> Result<(String, Key)> {
        let request = KeyRequest { name: name.to_owned(), scopes: scopes.to_vec(), ..KeyRequest::default() };
        self.issue_key(tenant, request).await
    }

    /// [`Access::issue`] with everything that can be said of a key. `InvalidRequest` names what is
    /// wrong; `NotFound` when the tenant has no such project or user.
    pub async fn issue_key(&self, tenant: &TenantId, request: KeyRequest) -> Result<(String, Key)> {
        let secret = secret::generate()?;
        let key = request.into_key(tenant.clone(), secret::hash(&secret))?;
        let ids = [
            Some(AccountId::Tenant(tenant.clone())),
            key.terms.project.clone().map(|project| AccountId::Project(tenant.clone(), project)),
            key.terms.user.clone().map(|user| AccountId::User(tenant.clone(), user)),
        ];
        for id in ids.into_iter().flatten() {
            self.account(&id).await?;
        }
        Ok((secret, self.keys.create_key(key).await?))
    }

    /// Makes sure that the default tenant has a key with the scope `admin`.
    ///
    /// With a secret: that it is such a key (one given earlier stays valid until it is revoked).
    /// Without: if there is none yet, makes one and returns its secret, to be printed this once.
    /// `InvalidConfig` when the given secret cannot be sent in a header.
    pub async fn bootstrap(&self, secret: Option<String>) -> Result<Option<String>> {
        let tenant = TenantId::default_tenant();
        if let Some(secret) = secret {
            return self.keep_given(tenant, &secret).await.map(|()| None);
        }
        let is_admin = |key: &Key| key.scopes.iter().any(|word| word == Scope::Admin.as_str());
        if self.keys.keys(&tenant).await?.iter().any(is_admin) {
            return Ok(None);
        }
        let (secret, _) = self.issue(&tenant, "bootstrap", &[Scope::Admin]).await?;
        Ok(Some(secret))
    }

    async fn keep_given(&self, tenant: TenantId, secret: &str) -> Result<()> {
        check_given(secret).map_err(|_| {
            let message = "The bootstrap key must be 1 to 512 visible ASCII characters without spaces.";
            Error::new(ErrorCode::InvalidConfig, message)
        })?;
        let request = KeyRequest { name: "bootstrap".into(), scopes: vec![Scope::Admin], ..KeyRequest::default() };
        match self.keys.create_key(request.into_key(tenant, secret::hash(secret))?).await {
            Err(error) if error.code() == ErrorCode::Conflict => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }

    /// A tenant's keys, oldest first.
    pub async fn keys(&self, tenant: &TenantId) -> Result<Vec<Key>> {
        let mut keys = self.keys.keys(tenant).await?;
        let uses = self.uses();
        for key in &mut keys {
            key.used_ms = key.used_ms.max(uses.get(&key.id).copied());
        }
        Ok(keys)
    }

    /// Changes a tenant's key: its role and scopes, or its terms; whatever else the edit changes is passed over.
    /// Nothing is changed when the edit fails. `NotFound` when the tenant has no such key, `Conflict` when the
    /// configuration declares it.
    pub async fn change_key(
        &self,
        tenant: &TenantId,
        id: &KeyId,
        edit: impl FnOnce(&mut Key) -> Result<()> + Send,
    ) -> Result<Key> {
        let mut key = self.key(tenant, id).await?;
        edit(&mut key)?;
        check_scopes(&key.scopes)?;
        check_terms(&key.terms)?;
        let changed = self.keys.change_key(id, key.scopes, key.terms).await;
        self.forget();
        changed
    }

    /// Ends a tenant's key. Calls that were authenticated before go on; no later one is. `NotFound`
    /// when the tenant has no such key, `Conflict` when the configuration declares it.
    pub async fn revoke(&self, tenant: &TenantId, id: &KeyId) -> Result<()> {
        self.key(tenant, id).await?;
        let outcome = self.keys.delete_key(id).await;
        self.forget();
        outcome
    }

    /// A tenant's key that may be changed. Whether another tenant has it does not show.
    async fn key(&self, tenant: &TenantId, id: &KeyId) -> Result<Key> {
        let keys = self.keys.keys(tenant).await?;
        let key = keys.into_iter().find(|key| key.id == *id).ok_or_else(|| Error::not_found("key", id))?;
        if key.declared { Err(declared("key", id.as_str())) } else { Ok(key) }
    }

    /// Makes a tenant, project or user. `InvalidRequest` for an id or name that cannot be, `Conflict` when
    /// it is there, `NotFound` when its tenant is not.
    pub async fn create_account(&self, id: AccountId, name: &str, limits: &Limits) -> Result<Account> {
        check_id(&id)?;
        let terms = AccountTerms { name: name.to_owned(), disabled: false, limits: subjects::write(limits)? };
        check_account(&terms)?;
        let created = self.keys.create_account(id, terms).await;
        self.forget();
        created
    }

    /// A tenant, project or user; `NotFound` when there is none.
    pub async fn account(&self, id: &AccountId) -> Result<Account> {
        self.keys.account(id).await?.ok_or_else(|| Error::not_found(id.kind(), id.own()))
    }

    /// All tenants, oldest first. For the installation's administrator alone.
    pub async fn tenants(&self) -> Result<Vec<Account>> {
        self.keys.tenants().await
    }

    /// A tenant's projects and users, oldest first.
    pub async fn members(&self, tenant: &TenantId) -> Result<Vec<Account>> {
        self.keys.members(tenant).await
    }

    /// Changes an account's name, limits, or whether it is disabled, which stops its keys at once.
    /// `NotFound` when there is none, `Conflict` when the configuration declares it.
    pub async fn change_account(&self, id: &AccountId, edit: impl FnOnce(&mut AccountTerms) + Send) -> Result<Account> {
        let mut terms = self.own(id).await?.terms;
        edit(&mut terms);
        check_account(&terms)?;
        let changed = self.keys.change_account(id, terms).await;
        self.forget();
        changed
    }

    /// Ends an account with all of its keys, and a tenant with its projects and users. Documents are not
    /// touched. `NotFound` when there is none, `Conflict` for the default tenant and for what the
    /// configuration declares.
    pub async fn delete_account(&self, id: &AccountId) -> Result<()> {
        self.own(id).await?;
        let outcome = self.keys.delete_account(id).await;
        self.forget();
        outcome
    }

    /// An account that may be changed.
    async fn own(&self, id: &AccountId) -> Result<Account> {
        let account = self.account(id).await?;
        if account.declared { Err(declared(id.kind(), id.own())) } else { Ok(account) }
    }
}

fn declared(what: &str, id: &str) -> Error {
    let message = format!("The {what} '{id}' stands in the configuration. Change it there.");
    Error::new(ErrorCode::Conflict, message)
}

fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", format!("Give the key a name of 1 to {MAX_NAME} characters.")));
    }
    Ok(())
}

/// A secret that an administrator chose.
pub(crate) fn check_given(secret: &str) -> Result<()> {
    if secret.len() > MAX_GIVEN || !secret::is_presentable(secret) {
        let message = "A key must be 1 to 512 visible ASCII characters without spaces.";
        return Err(Error::new(ErrorCode::InvalidConfig, message));
    }
    if secret.len() < SHORT {
        tracing::warn!("a key that was given is short enough to be guessed; use {SHORT} random characters or more");
    }
    Ok(())
}

pub(crate) fn check_id(id: &AccountId) -> Result<()> {
    let is_good = |text: &str| {
        (1..=MAX_ID).contains(&text.len())
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'))
    };
    if is_good(id.tenant().as_str()) && is_good(id.own()) {
        return Ok(());
    }
    let shown: String = id.own().chars().take(80).collect();
    let message =
        format!("'{shown}' cannot be a {}'s id. Use 1 to {MAX_ID} letters, digits, '.', '_', '-' or '@'.", id.kind());
    Err(Error::invalid("id", message))
}

pub(crate) fn check_account(terms: &AccountTerms) -> Result<()> {
    if terms.name.chars().count() > MAX_NAME || terms.name.chars().any(char::is_control) {
        return Err(Error::invalid("name", format!("A name has at most {MAX_NAME} characters, and no line breaks.")));
    }
    subjects::read(&terms.limits)?.check("limits")
}

fn check_scopes(scopes: &[String]) -> Result<()> {
    if !scopes.is_empty() {
        return Ok(());
    }
    let words: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    let message = format!("Give the key a role, or at least one scope: {}.", words.join(", "));
    Err(Error::invalid("scopes", message))
}

fn check_terms(terms: &KeyTerms) -> Result<()> {
    if terms.models.iter().any(|pattern| pattern.is_empty() || pattern.len() > 200) {
        return Err(Error::invalid("models", "Each model is a name of 1 to 200 bytes, with '*' for any text."));
    }
    terms.networks.iter().try_for_each(|text| Network::parse(text).map(drop))?;
    subjects::read(&terms.limits)?.check("limits")
}
