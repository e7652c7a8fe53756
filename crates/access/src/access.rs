//! The way from a secret to a caller, and from a caller to capacity.
//!
//! It does not know which route needs which scope.

use crate::limiter::{Claim, Limiter, Refusal, Subject, Used, Verdict};
use crate::limits::{LimitSettings, OnFailure};
use crate::memory::MemoryLimiter;
use crate::oidc::{Identity, Oidc};
use crate::principal::{Known, Limited};
use crate::subjects::Holder;
use crate::{Ask, Permit, Principal, Role, Scope, Standing, secret};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use yizhan_domain::{Error, ErrorCode, KeyId, ModelName, ProjectId, Result, TenantId, UserId};
use yizhan_store::{Account, AccountId, Clock, Key, KeyStore};

/// Callers that are remembered after they were checked, so that a call need not ask the store.
const REMEMBERED: usize = 4096;

/// How long they are, in milliseconds. What is changed through this value counts at once; this is for
/// what another process changes.
const REMEMBERED_MS: i64 = 30_000;

/// A log line for limits that cannot be checked comes at most this often, in milliseconds.
const WARN_EVERY_MS: i64 = 10_000;

/// What a request shows of its caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header `x-api-key`, which Anthropic's clients send. Looked at when there is no `Authorization`.
    pub api_key: Option<&'a str>,
    /// Where it comes from. Without it, keys for certain networks are refused.
    pub peer: Option<IpAddr>,
}

/// Turns keys and tokens into principals, and principals into permits. Everything that it manages is
/// to be changed through the same value that checks it, which then counts at once.
pub struct Access {
    pub(crate) keys: Arc<dyn KeyStore>,
    clock: Clock,
    limiter: Arc<dyn Limiter>,
    settings: RwLock<Arc<LimitSettings>>,
    oidc: Option<Oidc>,
    remembered: RwLock<Remembered>,
    /// Keys that were used since it was last written down, and when.
    uses: Mutex<HashMap<KeyId, i64>>,
    active: Arc<AtomicUsize>,
    warned_ms: AtomicI64,
}

#[derive(Default)]
struct Remembered {
    by_digest: HashMap<secret::Digest, (Principal, i64)>,
    /// Counts changes, so that a check that began before one is not remembered after it.
    changes: u64,
}

impl Access {
    /// With the store of the keys; 200 requests a second for each tenant, and no other limits.
    pub fn new(keys: Arc<dyn KeyStore>) -> Self {
        Self::with_clock(keys, Clock::system())
    }

    /// [`Access::new`] with another clock, for tests.
    pub fn with_clock(keys: Arc<dyn KeyStore>, clock: Clock) -> Self {
        let settings = LimitSettings::default();
        let limiter = MemoryLimiter::with_clock(None, settings.utc_offset, clock.clone());
        Self {
            keys,
            clock,
            limiter: Arc::new(limiter),
            settings: RwLock::new(Arc::new(settings)),
            oidc: None,
            remembered: RwLock::default(),
            uses: Mutex::default(),
            active: Arc::default(),
            warned_ms: AtomicI64::new(i64::MIN),
        }
    }

    /// With these limits, held by this limiter. `InvalidConfig` when a limit makes no sense.
    pub fn with_limits(mut self, settings: LimitSettings, limiter: Arc<dyn Limiter>) -> Result<Self> {
        settings.check()?;
        (self.settings, self.limiter) = (RwLock::new(Arc::new(settings)), limiter);
        Ok(self)
    }

    /// With issuers whose tokens are taken beside keys.
    pub fn with_oidc(mut self, oidc: Oidc) -> Self {
        self.oidc = Some(oidc);
        self
    }

    /// Puts other limits in the place of the configured ones, for calls from now on. What was counted
    /// stays counted. The offset from UTC belongs to the limiter and is not changed.
    pub fn set_limits(&self, settings: LimitSettings) -> Result<()> {
        settings.check()?;
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.forget();
        Ok(())
    }

    /// The caller of a request with this `Authorization` header; see [`Access::identify`].
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Principal> {
        self.identify(&Credentials { authorization, ..Credentials::default() }).await
    }

    /// The caller of a request. `InvalidApiKey` when it shows no secret, one that nobody was given, or
    /// one that has expired or was disabled; `PermissionDenied` when it comes from a network that the
    /// key is not for. A secret that was checked before costs a hash and a look into memory.
    pub async fn identify(&self, credentials: &Credentials<'_>) -> Result<Principal> {
        let secret = secret::presented(credentials.authorization, credentials.api_key)?;
        let (digest, now) = (secret::digest(secret), self.clock.now_ms());
        let changes = {
            let remembered = self.remembered.read().unwrap_or_else(PoisonError::into_inner);
            let found = remembered.by_digest.get(&digest);
            if let Some((principal, _)) = found.filter(|(_, until)| (0..REMEMBERED_MS).contains(&(until - now))) {
                principal.check(now, credentials.peer)?;
                return Ok(principal.clone());
            }
            remembered.changes
        };
        let principal = match &self.oidc {
            Some(oidc) if oidc.is_token(secret) => self.holder_of_token(oidc.verify(secret, now).await?).await?,
            _ => self.holder_of_key(&secret::hex(&digest), now).await?,
        };
        principal.check(now, credentials.peer)?;
        self.remember(digest, &principal, changes, now);
        Ok(principal)
    }

    async fn holder_of_key(&self, hash: &str, now: i64) -> Result<Principal> {
        let key = self.keys.key_by_hash(hash).await?.ok_or_else(unknown)?;
        let principal = self.known(&key).await?;
        self.uses().insert(key.id, now);
        Ok(principal)
    }

    async fn known(&self, key: &Key) -> Result<Principal> {
        let Key { tenant, terms, .. } = key;
        let (accounts, limited) = self.limited_of(key).await?;
        // The store deletes a key with what it belongs to.
        if accounts.len() < 1 + usize::from(terms.project.is_some()) + usize::from(terms.user.is_some()) {
            return Err(unknown());
        }
        if terms.disabled || accounts.iter().any(|account| account.terms.disabled) {
            return Err(disabled());
        }
        // A scope that this version does not know permits nothing.
        let scopes = key.scopes.iter().filter_map(|word| Scope::parse(word)).collect();
        Ok(Principal::of(Known {
            tenant: tenant.clone(),
            project: terms.project.clone(),
            user: terms.user.clone(),
            key: key.id.clone(),
            role: terms.role.as_deref().and_then(Role::parse),
            scopes,
            expires_ms: terms.expires_ms,
            models: terms.models.clone(),
            networks: terms.networks.iter().map(|text| crate::network::Network::parse(text)).collect::<Result<_>>()?,
            limited,
        }))
    }

    /// Whom a key belongs to, as far as they are there, and the limits of them and of the key.
    async fn limited_of(&self, key: &Key) -> Result<(Vec<Account>, Vec<Limited>)> {
        let Key { tenant, terms, .. } = key;
        let accounts = self.accounts(tenant, terms.project.as_ref(), terms.user.as_ref()).await?;
        let mut holders: Vec<Holder<'_>> = accounts.iter().map(holder).collect();
        let id = format!("key:{}", key.id);
        holders.push(Holder { kind: "key", id, tenant, name: &key.name, limits: &terms.limits });
        let limited = self.limited(&holders)?;
        Ok((accounts, limited))
    }

    async fn holder_of_token(&self, identity: Identity) -> Result<Principal> {
        let Identity { tenant, project, user, key, role, scopes, expires_ms } = identity;
        let accounts = self.accounts(&tenant, project.as_ref(), Some(&user)).await?;
        // The issuer knows its users; only the tenant must be known here.
        if !accounts.iter().any(|account| matches!(account.id, AccountId::Tenant(_))) {
            return Err(unknown());
        }
        if accounts.iter().any(|account| account.terms.disabled) {
            return Err(disabled());
        }
        let (mut holders, none): (Vec<Holder<'_>>, _) =
            (accounts.iter().map(holder).collect(), serde_json::Value::Null);
        let members = [("project", project.as_ref().map(ProjectId::as_str)), ("user", Some(user.as_str()))];
        for (kind, name) in members.into_iter().filter_map(|(kind, name)| Some((kind, name?))) {
            if !accounts.iter().any(|account| account.id.kind() == kind) {
                let id = format!("{kind}:{tenant}/{name}");
                holders.push(Holder { kind, id, tenant: &tenant, name, limits: &none });
            }
        }
        let limited = self.limited(&holders)?;
        Ok(Principal::of(Known {
            tenant,
            project,
            user: Some(user),
            key,
            role,
            scopes,
            expires_ms: Some(expires_ms),
            models: Vec::new(),
            networks: Vec::new(),
            limited,
        }))
    }

    fn limited(&self, holders: &[Holder<'_>]) -> Result<Vec<Limited>> {
        let settings = self.settings();
        holders.iter().map(|holder| holder.limited(&settings)).collect()
    }

    /// Those of the three that there are, the tenant first.
    async fn accounts(
        &self,
        tenant: &TenantId,
        project: Option<&ProjectId>,
        user: Option<&UserId>,
    ) -> Result<Vec<Account>> {
        let ids = [
            Some(AccountId::Tenant(tenant.clone())),
            project.map(|project| AccountId::Project(tenant.clone(), project.clone())),
            user.map(|user| AccountId::User(tenant.clone(), user.clone())),
        ];
        let mut accounts = Vec::with_capacity(3);
        for id in ids.into_iter().flatten() {
            accounts.extend(self.keys.account(&id).await?);
        }
        Ok(accounts)
    }

    fn remember(&self, digest: secret::Digest, principal: &Principal, changes: u64, now: i64) {
        let mut remembered = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
        if remembered.changes != changes {
            return;
        }
        if remembered.by_digest.len() >= REMEMBERED {
            remembered.by_digest.clear();
        }
        remembered.by_digest.insert(digest, (principal.clone(), now + REMEMBERED_MS - 1));
    }

    /// Everything is looked up anew from now on.
    pub(crate) fn forget(&self) {
        let mut remembered = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
        remembered.changes += 1;
        remembered.by_digest.clear();
    }

    /// Writes down when keys were last used. To be called now and then, such as each minute.
    pub async fn note_uses(&self) -> Result<()> {
        let uses: Vec<(KeyId, i64)> = self.uses().drain().collect();
        if uses.is_empty() { Ok(()) } else { self.keys.note_uses(uses).await }
    }

    pub(crate) fn uses(&self) -> MutexGuard<'_, HashMap<KeyId, i64>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Capacity for one call: a request, its tokens and its money, from the caller's tenant, project,
    /// user and key, all or nothing.
    ///
    /// `RateLimited` or `BudgetExceeded`, with a time to wait, when there is not enough; the sentence
    /// names which limit. `PermissionDenied` when the key is not for the model. `Overloaded` when the
    /// limits cannot be checked and calls are to be refused then.
    pub async fn reserve(&self, principal: &Principal, ask: &Ask) -> Result<Permit> {
        self.try_reserve(principal, ask).await?.map_err(Refusal::into_error)
    }

    /// [`Access::reserve`] for who wants to know which limit was in the way.
    pub async fn try_reserve(&self, principal: &Principal, ask: &Ask) -> Result<std::result::Result<Permit, Refusal>> {
        principal.require_model(&ask.model)?;
        let subjects = principal.subjects(&ask.model);
        let on_failure = self.settings().on_failure;
        let permit = |hold| Permit::new(hold, ask, on_failure, &self.active);
        if subjects.is_empty() {
            return Ok(Ok(permit(None)));
        }
        match self.limiter.reserve(Claim { subjects, tokens: ask.tokens(), money: ask.money }).await {
            Ok(Verdict::Held(hold)) => Ok(Ok(permit(Some(hold)))),
            Ok(Verdict::Refused(refusal)) => Ok(Err(refusal)),
            Err(cause) => {
                self.warn_of(on_failure, &cause);
                on_failure.outcome(&cause).map(|()| Ok(permit(None)))
            }
        }
    }

    fn warn_of(&self, on_failure: OnFailure, cause: &Error) {
        let (now, warned) = (self.clock.now_ms(), self.warned_ms.load(Ordering::Relaxed));
        if now.saturating_sub(warned) >= WARN_EVERY_MS {
            self.warned_ms.store(now, Ordering::Relaxed);
            tracing::warn!(%cause, ?on_failure, "the limits cannot be checked");
        }
    }

    /// How near a caller is to their limits; for the headers of a call that was refused.
    pub async fn standing(&self, principal: &Principal, model: &ModelName) -> Result<Standing> {
        let subjects = principal.subjects(model);
        if subjects.is_empty() { Ok(Standing::default()) } else { self.limiter.standing(&subjects).await }
    }

    /// What everyone has used whose limits hold for a caller: tenant, project, user and key. Without a model, also
    /// the limits for models by name, all of them.
    pub async fn used(&self, principal: &Principal, model: Option<&ModelName>) -> Result<Vec<(Arc<Subject>, Used)>> {
        let subjects = model.map_or_else(|| principal.all_subjects(), |model| principal.subjects(model));
        self.used_by(subjects).await
    }

    /// The same of a key that somebody else shows, also of a disabled one.
    pub async fn used_by_key(&self, key: &Key) -> Result<Vec<(Arc<Subject>, Used)>> {
        let (_, limited) = self.limited_of(key).await?;
        self.used_by(crate::principal::all_subjects(&limited)).await
    }

    async fn used_by(&self, subjects: Vec<Arc<Subject>>) -> Result<Vec<(Arc<Subject>, Used)>> {
        if subjects.is_empty() {
            return Ok(Vec::new());
        }
        let used = self.limiter.used(&subjects).await?;
        Ok(subjects.into_iter().zip(used).collect())
    }

    /// Calls that hold a permit now.
    pub fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    fn settings(&self) -> Arc<LimitSettings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn holder(account: &Account) -> Holder<'_> {
    let (kind, own) = (account.id.kind(), account.id.own());
    let id = match &account.id {
        AccountId::Tenant(tenant) => format!("tenant:{tenant}"),
        other => format!("{kind}:{}/{own}", other.tenant()),
    };
    Holder { kind, id, tenant: account.id.tenant(), name: own, limits: &account.terms.limits }
}

fn unknown() -> Error {
    let message = "The API key is not known here. Check it, or ask an administrator for a new one.";
    Error::new(ErrorCode::InvalidApiKey, message)
}

fn disabled() -> Error {
    let message = "The API key is disabled, or the account that it belongs to is. Ask an administrator.";
    Error::new(ErrorCode::InvalidApiKey, message)
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
