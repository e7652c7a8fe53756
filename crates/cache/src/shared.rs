//! Answers that several processes share: what such a store must do, and one in memory.
//!
//! It does not know what the bytes are.

use crate::key::Key;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use yizhan_domain::Result;

/// Answers that several processes share, e.g. in Redis. It holds bytes and decides nothing; a failure is a miss.
/// It holds no more bytes than it was made for: when there is no room, the oldest go first. Every
/// implementation passes [`contract`](crate::contract).
#[async_trait]
pub trait SharedStore: Send + Sync {
    /// What is kept under the key and has not run out.
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>>;

    /// Keeps bytes for at most this long, instead of what was there. What is larger than all of the store is not
    /// kept, and is no error.
    async fn put(&self, key: &Key, bytes: Vec<u8>, lives: Duration) -> Result<()>;
}

/// How often a shared store was asked, by what came of it.
#[derive(Default)]
pub(crate) struct SharedCounts {
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) failures: AtomicU64,
}

impl SharedCounts {
    pub(crate) fn count(&self, failed: bool, found: bool) {
        let count = match (failed, found) {
            (true, _) => &self.failures,
            (_, true) => &self.hits,
            _ => &self.misses,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// A shared store in memory, for tests: the double of those between processes.
pub struct MemoryShared {
    held: Mutex<VecDeque<Held>>,
    most_bytes: usize,
}

struct Held {
    key: Key,
    bytes: Vec<u8>,
    until: Instant,
}

impl MemoryShared {
    /// For so many bytes.
    pub fn new(most_bytes: usize) -> Self {
        Self { held: Mutex::default(), most_bytes }
    }

    /// How many answers it holds.
    pub fn len(&self) -> usize {
        self.held.lock().len()
    }

    /// Does it hold none?
    pub fn is_empty(&self) -> bool {
        self.held.lock().is_empty()
    }
}

#[async_trait]
impl SharedStore for MemoryShared {
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        let now = Instant::now();
        let held = self.held.lock();
        let found = held.iter().find(|held| held.key == *key && held.until > now);
        Ok(found.map(|held| held.bytes.clone()))
    }

    async fn put(&self, key: &Key, bytes: Vec<u8>, lives: Duration) -> Result<()> {
        let now = Instant::now();
        let mut held = self.held.lock();
        held.retain(|held| held.key != *key && held.until > now);
        if bytes.len() > self.most_bytes {
            return Ok(());
        }
        held.push_back(Held { key: *key, bytes, until: now + lives });
        while held.iter().map(|held| held.bytes.len()).sum::<usize>() > self.most_bytes {
            held.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "shared_tests.rs"]
mod tests;
