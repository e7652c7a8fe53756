//! Files' bytes, addressed by their content.
//!
//! It does not know which document a content belongs to.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;
use yizhan_domain::Result;

/// SHA-256 of a content, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(pub String);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Keeps contents. What `put` acknowledged survives a crash.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Keeps the bytes (once, however often they are put) and returns their hash.
    async fn put(&self, bytes: Vec<u8>) -> Result<ContentHash>;

    /// The bytes, checked against the hash; `NotFound` when they were never put or were removed.
    async fn get(&self, hash: &ContentHash) -> Result<Vec<u8>>;

    /// Forgets the bytes; fine when they are not there.
    async fn remove(&self, hash: &ContentHash) -> Result<()>;
}
