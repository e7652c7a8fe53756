//! Keys: issued, checked, revoked.
//!
//! It does not know which route needs which scope.

use crate::{Permit, Principal, Scope, secret};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use yizhan_domain::{Error, ErrorCode, KeyId, Result, TenantId};
use yizhan_store::{Key, KeyStore, NewKey};

/// Keys that are remembered after they were checked, so that a call need not ask the store.
const REMEMBERED: usize = 1024;

/// Longest name of a key, in characters.
const MAX_NAME: usize = 100;

/// A secret shorter than this can be guessed.
const SHORT: usize = 20;

/// Turns keys into principals. Keys are to be revoked through the same value that checks them, which
/// then forgets them at once.
pub struct Access {
    keys: Arc<dyn KeyStore>,
    remembered: Mutex<Remembered>,
    active: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Remembered {
    by_hash: HashMap<String, Principal>,
    /// Counts revocations, so that a check that began before one is not remembered after it.
    revocations: u64,
}

impl Access {
    /// With the store of the keys.
    pub fn new(keys: Arc<dyn KeyStore>) -> Self {
        Self { keys, remembered: Mutex::default(), active: Arc::default() }
    }

    /// Makes a key; returns its secret, which is kept nowhere and is shown to the caller this once.
    /// `InvalidRequest` when the name is empty, too long, or no scope is given.
    pub async fn issue(&self, tenant: &TenantId, name: &str, scopes: &[Scope]) -> Result<(String, Key)> {
        if name.trim().is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(Error::invalid("name", format!("Give the key a name of 1 to {MAX_NAME} characters.")));
        }
        if scopes.is_empty() {
            return Err(Error::invalid("scopes", "Give the key at least one scope: admin, inference or documents."));
        }
        let secret = secret::generate()?;
        let key = self.keep(tenant, name, &secret, scopes).await?;
        Ok((secret, key))
    }

    /// Makes sure that the default tenant has a key with the scope `admin`.
    ///
    /// With a secret: that it is such a key (one given earlier stays valid until it is revoked).
    /// Without: if there is none yet, makes one and returns its secret, to be printed this once.
    /// `InvalidConfig` when the given secret cannot be sent in a header.
    pub async fn bootstrap(&self, secret: Option<String>) -> Result<Option<String>> {
        let tenant = TenantId::default_tenant();
        if let Some(secret) = secret {
            return self.keep_given(&tenant, &secret).await.map(|()| None);
        }
        let is_admin = |key: &Key| key.scopes.iter().any(|word| word == Scope::Admin.as_str());
        if self.keys.keys(&tenant).await?.iter().any(is_admin) {
            return Ok(None);
        }
        let (secret, _) = self.issue(&tenant, "bootstrap", &[Scope::Admin]).await?;
        Ok(Some(secret))
    }

    async fn keep_given(&self, tenant: &TenantId, secret: &str) -> Result<()> {
        if !secret::is_presentable(secret) {
            let message = "The bootstrap key must be 1 to 512 visible ASCII characters without spaces.";
            return Err(Error::new(ErrorCode::InvalidConfig, message));
        }
        if secret.len() < SHORT {
            tracing::warn!("the bootstrap key is short enough to be guessed; use {SHORT} random characters or more");
        }
        match self.keep(tenant, "bootstrap", secret, &[Scope::Admin]).await {
            Err(error) if error.code() == ErrorCode::Conflict => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }

    async fn keep(&self, tenant: &TenantId, name: &str, secret: &str, scopes: &[Scope]) -> Result<Key> {
        let scopes = scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
        let key = NewKey { tenant: tenant.clone(), name: name.to_owned(), hash: secret::hash(secret), scopes };
        self.keys.create_key(key).await
    }

    /// The caller of a request with this `Authorization` header; `InvalidApiKey` when it is missing,
    /// is not `Bearer SECRET`, or holds a secret that nobody was given.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Principal> {
        let hash = secret::hash(secret::of_header(authorization)?);
        let revocations = {
            let remembered = self.remembered();
            if let Some(principal) = remembered.by_hash.get(&hash) {
                return Ok(principal.clone());
            }
            remembered.revocations
        };
        let key = self.keys.key_by_hash(&hash).await?.ok_or_else(unknown)?;
        let principal = Principal::of(key);
        self.remember(hash, &principal, revocations);
        Ok(principal)
    }

    fn remember(&self, hash: String, principal: &Principal, revocations: u64) {
        let mut remembered = self.remembered();
        if remembered.revocations != revocations {
            return;
        }
        if remembered.by_hash.len() >= REMEMBERED {
            remembered.by_hash.clear();
        }
        remembered.by_hash.insert(hash, principal.clone());
    }

    /// A tenant's keys, oldest first.
    pub async fn keys(&self, tenant: &TenantId) -> Result<Vec<Key>> {
        self.keys.keys(tenant).await
    }

    /// Ends a tenant's key. Calls that were authenticated before go on; no later one is. `NotFound`
    /// when the tenant has no such key.
    pub async fn revoke(&self, tenant: &TenantId, id: &KeyId) -> Result<()> {
        if !self.keys.keys(tenant).await?.iter().any(|key| key.id == *id) {
            return Err(Error::not_found("key", id));
        }
        self.keys.delete_key(id).await?;
        let mut remembered = self.remembered();
        remembered.revocations += 1;
        remembered.by_hash.retain(|_, principal| principal.key() != id);
        Ok(())
    }

    /// Capacity for one call of this caller. Only counted so far.
    pub fn reserve(&self, _principal: &Principal) -> Result<Permit> {
        Ok(Permit::take(&self.active))
    }

    /// Calls that hold a permit now.
    pub fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown() -> Error {
    let message = "The API key is not known here. Check it, or ask an administrator for a new one.";
    Error::new(ErrorCode::InvalidApiKey, message)
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
