//! Answers by their keys: in memory, and beneath that in a store that other processes share, if there is one. Of
//! equal calls at the same time one is answered, the others wait for it.
//!
//! It does not know how keys are made or which requests may be asked here.

use crate::answer::{Answer, now_ms};
use crate::key::Key;
use crate::pending::Pending;
use crate::settings::Settings;
use crate::shelf::Shelf;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use yizhan_domain::Result;

/// Answers that several processes share, e.g. in Redis. It holds bytes and decides nothing; a failure is a miss.
#[async_trait]
pub trait SharedStore: Send + Sync {
    /// What is kept under the key and has not run out.
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>>;

    /// Keeps bytes for at most this long, instead of what was there.
    async fn put(&self, key: &Key, bytes: Vec<u8>, lives: Duration) -> Result<()>;
}

/// Most calls that wait for one answer; more are answered by themselves.
const MOST_WAITING: usize = 1024;

/// Kept answers. Clones are handles of the same.
#[derive(Clone)]
pub struct ReplyCache(Arc<Inner>);

struct Inner {
    settings: Settings,
    shelf: Mutex<Shelf>,
    flights: Mutex<HashMap<Key, watch::Sender<()>>>,
    shared: Option<Arc<dyn SharedStore>>,
}

/// What [`ReplyCache::enter`] found.
pub enum Entered {
    /// An answer.
    Hit(Arc<Answer>),
    /// None: the caller makes it.
    Miss(Pending),
}

impl ReplyCache {
    /// An empty one.
    pub fn new(settings: Settings, shared: Option<Arc<dyn SharedStore>>) -> Self {
        let shelf = Mutex::new(Shelf::new(settings.max_mib.saturating_mul(1024 * 1024)));
        Self(Arc::new(Inner { settings, shelf, flights: Mutex::default(), shared }))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn ttl(&self) -> Duration {
        Duration::from_secs(self.0.settings.ttl_seconds)
    }

    /// An answer that is in memory.
    pub fn get(&self, key: &Key) -> Option<Arc<Answer>> {
        self.0.shelf.lock().get(key)
    }

    /// An answer that is in memory or in the shared store.
    pub async fn find(&self, key: &Key) -> Option<Arc<Answer>> {
        if let Some(answer) = self.get(key) {
            return Some(answer);
        }
        let bytes = match self.0.shared.as_ref()?.get(key).await {
            Ok(bytes) => bytes?,
            Err(error) => {
                tracing::warn!(%error, "the shared cache cannot be read");
                return None;
            }
        };
        let answer = Arc::new(Answer::from_bytes(&bytes)?);
        let age = Duration::from_millis(now_ms().saturating_sub(answer.made_at_ms));
        let lives = self.ttl().checked_sub(age).filter(|lives| !lives.is_zero())?;
        self.0.shelf.lock().put(*key, Arc::clone(&answer), lives);
        Some(answer)
    }

    /// Keeps an answer, in memory at once and in the shared store soon after.
    pub fn put(&self, key: Key, answer: Answer) {
        let answer = Arc::new(answer);
        self.0.shelf.lock().put(key, Arc::clone(&answer), self.ttl());
        let (Some(shared), Ok(runtime)) = (self.0.shared.clone(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let lives = self.ttl();
        runtime.spawn(async move {
            let bytes = answer.to_bytes();
            if let Err(error) = shared.put(&key, bytes, lives).await {
                tracing::warn!(%error, "an answer cannot be put into the shared cache");
            }
        });
    }

    /// The answer, or the right to make it. When an equal call is making it, this waits until that one has
    /// ended, but not longer than the settings say.
    pub async fn enter(&self, key: Key) -> Entered {
        let patience = Duration::from_secs(self.0.settings.share_seconds.min(3600));
        let until = Instant::now() + patience;
        loop {
            if let Some(answer) = self.find(&key).await {
                return Entered::Hit(answer);
            }
            let mut other = match self.join(key, !patience.is_zero()) {
                Joined::First(flight) => return Entered::Miss(Pending::new(self.clone(), key, flight)),
                Joined::Later(other) => other,
            };
            if timeout_at(until, other.changed()).await.is_err() {
                return Entered::Miss(self.alone(key));
            }
        }
    }

    /// The right to make an answer for which nobody waits.
    pub fn alone(&self, key: Key) -> Pending {
        Pending::new(self.clone(), key, None)
    }

    fn join(&self, key: Key, shares: bool) -> Joined {
        if !shares {
            return Joined::First(None);
        }
        let mut flights = self.0.flights.lock();
        match flights.get(&key) {
            Some(flight) if flight.receiver_count() < MOST_WAITING => Joined::Later(flight.subscribe()),
            Some(_) => Joined::First(None),
            None => {
                flights.insert(key, watch::Sender::new(()));
                Joined::First(Some(Flight { cache: self.clone(), key }))
            }
        }
    }

    /// Forgets all that is in memory.
    pub fn clear(&self) {
        self.0.shelf.lock().clear();
    }

    /// Answers in memory, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        let shelf = self.0.shelf.lock();
        (shelf.len(), shelf.bytes())
    }
}

enum Joined {
    /// Nobody is making it; the flight is there when others may wait for this one.
    First(Option<Flight>),
    /// Somebody is; the receiver wakes when that has ended.
    Later(watch::Receiver<()>),
}

/// The one call that makes an answer. When it is dropped, those who wait look again.
pub(crate) struct Flight {
    cache: ReplyCache,
    key: Key,
}

impl Drop for Flight {
    fn drop(&mut self) {
        // The sender is dropped with the entry, which wakes its receivers.
        self.cache.0.flights.lock().remove(&self.key);
    }
}

#[cfg(test)]
#[path = "replies_tests.rs"]
mod tests;
