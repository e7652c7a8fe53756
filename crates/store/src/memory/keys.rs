//! API keys in memory.
//!
//! It does not know what a key permits.

use super::MemoryStore;
use crate::{Key, KeyStore, KeyTerms, NewKey, key_taken};
use async_trait::async_trait;
use yizhan_domain::{Error, KeyId, Result, TenantId};

/// The key that is kept for a new one.
pub(super) fn kept(new: NewKey, declared: bool, now_ms: i64) -> (String, Key) {
    let NewKey { tenant, name, hash, scopes, terms } = new;
    let key = Key { id: KeyId::random(), tenant, name, scopes, terms, declared, created_ms: now_ms, used_ms: None };
    (hash, key)
}

#[async_trait]
impl KeyStore for MemoryStore {
    async fn create_key(&self, key: NewKey) -> Result<Key> {
        let mut state = self.state();
        if state.keys.iter().any(|(hash, _)| *hash == key.hash) {
            return Err(key_taken());
        }
        let (hash, kept) = kept(key, false, self.clock.now_ms());
        state.keys.push((hash, kept.clone()));
        Ok(kept)
    }

    async fn key_by_hash(&self, hash: &str) -> Result<Option<Key>> {
        Ok(self.state().keys.iter().find(|(kept, _)| kept == hash).map(|(_, key)| key.clone()))
    }

    async fn keys(&self, tenant: &TenantId) -> Result<Vec<Key>> {
        Ok(self.state().keys.iter().map(|(_, key)| key).filter(|key| key.tenant == *tenant).cloned().collect())
    }

    async fn change_key(&self, id: &KeyId, scopes: Vec<String>, terms: KeyTerms) -> Result<Key> {
        let mut state = self.state();
        let found = state.keys.iter_mut().map(|(_, key)| key).find(|key| key.id == *id);
        let key = found.ok_or_else(|| Error::not_found("key", id))?;
        (key.scopes, key.terms) = (scopes, terms);
        Ok(key.clone())
    }

    async fn note_uses(&self, uses: Vec<(KeyId, i64)>) -> Result<()> {
        let mut state = self.state();
        for (id, at) in uses {
            for (_, key) in state.keys.iter_mut().filter(|(_, key)| key.id == id) {
                key.used_ms = key.used_ms.max(Some(at));
            }
        }
        Ok(())
    }

    async fn delete_key(&self, id: &KeyId) -> Result<()> {
        let mut state = self.state();
        let position = state.keys.iter().position(|(_, key)| key.id == *id);
        state.keys.remove(position.ok_or_else(|| Error::not_found("key", id))?);
        Ok(())
    }
}
