//! Secrets of the installation, such as providers' keys, as they are kept: sealed.
//!
//! It does not know what is in them nor how they are sealed: `vault` does.

use async_trait::async_trait;
use std::fmt;
use yizhan_domain::Result;

/// A secret as it stands in the store.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// What it is called; one of a name.
    pub name: String,
    /// Which master key seals it: the key's public id.
    pub key: String,
    /// What only that key opens.
    pub sealed: Vec<u8>,
    /// When it was last set, milliseconds since 1970.
    pub changed_ms: i64,
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecret").field("name", &self.name).field("key", &self.key).finish_non_exhaustive()
    }
}

/// Keeps sealed secrets.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Keeps a secret, in the place of one of the same name.
    async fn put_secret(&self, name: &str, key: &str, sealed: Vec<u8>) -> Result<SealedSecret>;

    /// The secret of this name.
    async fn secret(&self, name: &str) -> Result<Option<SealedSecret>>;

    /// All secrets, by name.
    async fn secrets(&self) -> Result<Vec<SealedSecret>>;

    /// Puts other seals on secrets, all or none; when they were set stays. `NotFound` when one is not there.
    async fn reseal_secrets(&self, secrets: Vec<SealedSecret>) -> Result<()>;

    /// Forgets a secret; `NotFound` when there is none.
    async fn delete_secret(&self, name: &str) -> Result<()>;
}
