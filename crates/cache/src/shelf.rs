//! Answers within limits of bytes and age. What was asked for again goes last: a segmented LRU (Karedla, Love
//! and Wherry, 1994), so that many questions that are asked once do not drive out those that recur.
//!
//! It does not know threads or other processes.

use crate::answer::Answer;
use crate::key::Key;
use lru::LruCache;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What one entry takes beside its answer: keys, links, the table.
const ENTRY: usize = 160;
/// The share of the bytes, in percent, that answers may hold that were asked for again.
const PROTECTED: usize = 80;
/// A clock cannot be asked for any time: ten years are as good as for ever.
const LONGEST_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

struct Held {
    answer: Arc<Answer>,
    size: usize,
    until: Instant,
}

/// One of the two lists.
struct Segment {
    entries: LruCache<Key, Held>,
    bytes: usize,
}

impl Segment {
    fn new() -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0 }
    }

    fn put(&mut self, key: Key, held: Held) {
        self.bytes += held.size;
        if let Some(old) = self.entries.put(key, held) {
            self.bytes -= old.size;
        }
    }

    fn take(&mut self, key: &Key) -> Option<Held> {
        let held = self.entries.pop(key)?;
        self.bytes -= held.size;
        Some(held)
    }

    fn take_oldest(&mut self) -> Option<(Key, Held)> {
        let (key, held) = self.entries.pop_lru()?;
        self.bytes -= held.size;
        Some((key, held))
    }
}

pub(crate) struct Shelf {
    /// Asked for once.
    probation: Segment,
    /// Asked for again.
    protected: Segment,
    limit: usize,
}

impl Shelf {
    /// For so many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { probation: Segment::new(), protected: Segment::new(), limit }
    }

    pub(crate) fn get(&mut self, key: &Key) -> Option<Arc<Answer>> {
        let now = Instant::now();
        let held = self.protected.take(key).or_else(|| self.probation.take(key))?;
        if held.until <= now {
            return None;
        }
        let answer = Arc::clone(&held.answer);
        self.protected.put(*key, held);
        while self.protected.bytes > self.limit / 100 * PROTECTED {
            let Some((key, held)) = self.protected.take_oldest() else { break };
            self.probation.put(key, held);
        }
        Some(answer)
    }

    pub(crate) fn put(&mut self, key: Key, answer: Arc<Answer>, lives: Duration) {
        let size = answer.size() + ENTRY;
        if size > self.limit {
            return;
        }
        let held = Held { answer, size, until: Instant::now() + lives.min(LONGEST_LIFE) };
        match self.protected.take(&key) {
            Some(_) => self.protected.put(key, held),
            None => self.probation.put(key, held),
        }
        while self.bytes() > self.limit {
            if self.probation.take_oldest().is_none() && self.protected.take_oldest().is_none() {
                break;
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.limit);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.probation.bytes + self.protected.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.probation.entries.len() + self.protected.entries.len()
    }
}

#[cfg(test)]
#[path = "shelf_tests.rs"]
mod tests;
