//! API keys, kept as hashes.
//!
//! It does not know how a key is hashed or what it permits: `access` does.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use yizhan_domain::{KeyId, Result, TenantId};

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
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
}

/// Keeps API keys.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Keeps a key; `Conflict` when one with this hash is there.
    async fn create_key(&self, key: NewKey) -> Result<Key>;

    /// The key with this hash.
    async fn key_by_hash(&self, hash: &str) -> Result<Option<Key>>;

    /// All keys of a tenant, oldest first.
    async fn keys(&self, tenant: &TenantId) -> Result<Vec<Key>>;

    /// Forgets a key; `NotFound` when there is none.
    async fn delete_key(&self, id: &KeyId) -> Result<()>;
}
