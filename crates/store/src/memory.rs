//! The store in memory: the test double, and the plainest telling of what the traits mean.
//!
//! It does not survive the process, and it is not made for many documents.

mod documents;
mod state;
mod usage;

use crate::{BlobStore, Clock, ContentHash, Key, KeyStore, NewKey, key_taken};
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use yizhan_domain::{Error, KeyId, Result, TenantId};

/// Documents, keys and contents in memory. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryStore {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// An empty one, with the operating system's clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one with another clock.
    pub fn with_clock(clock: Clock) -> Self {
        Self { clock, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeyStore for MemoryStore {
    async fn create_key(&self, key: NewKey) -> Result<Key> {
        let mut state = self.state();
        if state.keys.iter().any(|(hash, _)| *hash == key.hash) {
            return Err(key_taken());
        }
        let NewKey { tenant, name, hash, scopes } = key;
        let kept = Key { id: KeyId::random(), tenant, name, scopes, created_ms: self.clock.now_ms() };
        state.keys.push((hash, kept.clone()));
        Ok(kept)
    }

    async fn key_by_hash(&self, hash: &str) -> Result<Option<Key>> {
        Ok(self.state().keys.iter().find(|(kept, _)| kept == hash).map(|(_, key)| key.clone()))
    }

    async fn keys(&self, tenant: &TenantId) -> Result<Vec<Key>> {
        Ok(self.state().keys.iter().map(|(_, key)| key).filter(|key| key.tenant == *tenant).cloned().collect())
    }

    async fn delete_key(&self, id: &KeyId) -> Result<()> {
        let mut state = self.state();
        let position = state.keys.iter().position(|(_, key)| key.id == *id);
        state.keys.remove(position.ok_or_else(|| Error::not_found("key", id))?);
        Ok(())
    }
}

#[async_trait]
impl BlobStore for MemoryStore {
    async fn put(&self, bytes: Vec<u8>) -> Result<ContentHash> {
        let hash = ContentHash(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect());
        self.state().blobs.insert(hash.clone(), bytes);
        Ok(hash)
    }

    async fn get(&self, hash: &ContentHash) -> Result<Vec<u8>> {
        self.state().blobs.get(hash).cloned().ok_or_else(|| Error::not_found("content", hash))
    }

    async fn remove(&self, hash: &ContentHash) -> Result<()> {
        self.state().blobs.remove(hash);
        Ok(())
    }
}
