//! Sealed secrets in memory.
//!
//! It does not know what is in them.

use super::MemoryStore;
use crate::{SealedSecret, SecretStore};
use async_trait::async_trait;
use yizhan_domain::{Error, Result};

#[async_trait]
impl SecretStore for MemoryStore {
    async fn put_secret(&self, name: &str, key: &str, sealed: Vec<u8>) -> Result<SealedSecret> {
        let changed_ms = self.clock.now_ms();
        let secret = SealedSecret { name: name.to_owned(), key: key.to_owned(), sealed, changed_ms };
        self.state().secrets.insert(name.to_owned(), secret.clone());
        Ok(secret)
    }

    async fn secret(&self, name: &str) -> Result<Option<SealedSecret>> {
        Ok(self.state().secrets.get(name).cloned())
    }

    async fn secrets(&self) -> Result<Vec<SealedSecret>> {
        Ok(self.state().secrets.values().cloned().collect())
    }

    async fn reseal_secrets(&self, secrets: Vec<SealedSecret>) -> Result<()> {
        let mut state = self.state();
        if let Some(gone) = secrets.iter().find(|secret| !state.secrets.contains_key(&secret.name)) {
            return Err(Error::not_found("secret", &gone.name));
        }
        for SealedSecret { name, key, sealed, .. } in secrets {
            if let Some(kept) = state.secrets.get_mut(&name) {
                (kept.key, kept.sealed) = (key, sealed);
            }
        }
        Ok(())
    }

    async fn delete_secret(&self, name: &str) -> Result<()> {
        self.state().secrets.remove(name).map(drop).ok_or_else(|| Error::not_found("secret", name))
    }
}
