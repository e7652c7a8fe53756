//! The store in memory: the test double, and the plainest telling of what the traits mean.
//!
//! It does not survive the process, and it is not made for many documents.

mod accounts;
mod budgets;
mod documents;
mod keys;
mod reviews;
mod secrets;
mod state;
mod usage;

use crate::{BlobStore, Clock, ContentHash};
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use yizhan_domain::{Error, Result};

/// Documents, accounts, keys, budgets, secrets and contents in memory. Clones share them.
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
