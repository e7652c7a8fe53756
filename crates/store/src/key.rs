//! API keys, kept as hashes.
//!
//! It does not know how a key is hashed or what it permits: `access` does.

use crate::AccountStore;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yizhan_domain::{KeyId, ProjectId, Result, TenantId, UserId};

/// What may be said of a key beside its name and scopes, and changed later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyTerms {
    /// The project that it works for.
    pub project: Option<ProjectId>,
    /// Who holds it.
    pub user: Option<UserId>,
    /// The word that its scopes come from, e.g. `developer`.
    pub role: Option<String>,
    /// Good until then, milliseconds since 1970.
    pub expires_ms: Option<i64>,
    /// Names of models that it may use, with `*` for any text; empty for all.
    pub models: Vec<String>,
    /// Networks that it may be shown from, such as `10.0.0.0/8`; empty for all.
    pub networks: Vec<String>,
    /// Limits of its own, as `access` writes them; null for none.
    pub limits: Value,
    /// Refused while this holds.
    pub disabled: bool,
}

/// A key to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewKey {
    /// Whose.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// SHA-256 of the secret, in hexadecimal.
    pub hash: String,
    /// What it may do, e.g. `admin`, `inference`.
    pub scopes: Vec<String>,
    /// Everything else.
    pub terms: KeyTerms,
}

/// A kept key. The secret itself is nowhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// Its public id.
    pub id: KeyId,
    /// Whose.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub terms: KeyTerms,
    /// It stands in the configuration, which alone may change it.
    pub declared: bool,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last used, about; milliseconds since 1970.
    pub used_ms: Option<i64>,
}

/// Keeps API keys, and the accounts that they belong to.
#[async_trait]
pub trait KeyStore: AccountStore {
    /// Keeps a key; `Conflict` when one with this hash is there. Whether its tenant exists is not
    /// looked at.
    async fn create_key(&self, key: NewKey) -> Result<Key>;

    /// The key with this hash.
    async fn key_by_hash(&self, hash: &str) -> Result<Option<Key>>;

    /// All keys of a tenant, oldest first.
    async fn keys(&self, tenant: &TenantId) -> Result<Vec<Key>>;

    /// Gives a key other scopes and terms; `NotFound` when there is none.
    async fn change_key(&self, id: &KeyId, scopes: Vec<String>, terms: KeyTerms) -> Result<Key>;

    /// Writes down when keys were last used. Keys that are gone are passed over, and no time goes back.
    async fn note_uses(&self, uses: Vec<(KeyId, i64)>) -> Result<()>;

    /// Forgets a key; `NotFound` when there is none.
    async fn delete_key(&self, id: &KeyId) -> Result<()>;
}
