//! Answers by their keys: in memory, and beneath that in a store that other processes share, if there is one. Of
//! equal calls at the same time one is answered, the others wait for it.
//!
//! It does not know how keys are made or which requests may be asked here.

use crate::answer::{Answer, now_ms};
use crate::key::Key;
use crate::pending::Pending;
use crate::settings::Settings;
use crate::shared::{SharedCounts, SharedStore};
use crate::shelf::Shelf;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// Most calls that wait for one answer; more are answered by themselves.
const MOST_WAITING: usize = 1024;

/// Kept answers. Clones are handles of the same.
#[derive(Clone)]
pub struct ReplyCache {
    inner: Arc<Inner>,
    shared: Option<Arc<dyn SharedStore>>,
}

struct Inner {
    settings: Settings,
    shelf: Mutex<Shelf>,
    flights: Mutex<HashMap<Key, watch::Sender<()>>>,
    counts: SharedCounts,
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
        Self {
            inner: Arc::new(Inner { settings, shelf, flights: Mutex::default(), counts: SharedCounts::default() }),
            shared,
        }
    }

    /// A handle of the same answers that neither gives any to other processes nor takes any from them.
    pub fn unshared(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), shared: None }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    fn ttl(&self) -> Duration {
        Duration::from_secs(self.inner.settings.ttl_seconds)
    }

    /// An answer that is in memory.
    pub fn get(&self, key: &Key) -> Option<Arc<Answer>> {
        self.inner.shelf.lock().get(key)
    }

    /// An answer that is in memory or in the shared store.
    pub async fn find(&self, key: &Key) -> Option<Arc<Answer>> {
        if let Some(answer) = self.get(key) {
            return Some(answer);
        }
        let answer = Arc::new(self.fetch(self.shared.as_ref()?, key).await?);
        let age = Duration::from_millis(now_ms().saturating_sub(answer.made_at_ms));
        let lives = self.ttl().checked_sub(age).filter(|lives| !lives.is_zero())?;
        self.inner.shelf.lock().put(*key, Arc::clone(&answer), lives);
        Some(answer)
    }

    async fn fetch(&self, shared: &Arc<dyn SharedStore>, key: &Key) -> Option<Answer> {
        let found = shared.get(key).await;
        if let Err(error) = &found {
            // The store says so aloud, but not for each call.
            tracing::debug!(%error, "the shared cache cannot be read");
        }
        let failed = found.is_err();
        let answer = found.ok().flatten().and_then(|bytes| Answer::from_bytes(&bytes));
        self.inner.counts.count(failed, answer.is_some());
        answer
    }

    /// How often the shared store was asked.
    pub(crate) fn shared_counts(&self) -> &SharedCounts {
        &self.inner.counts
    }

    /// Keeps an answer, in memory at once and in the shared store soon after.
    pub fn put(&self, key: Key, answer: Answer) {
        let answer = Arc::new(answer);
        self.inner.shelf.lock().put(key, Arc::clone(&answer), self.ttl());
        let (Some(shared), Ok(runtime)) = (self.shared.clone(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let lives = self.ttl();
        runtime.spawn(async move {
            let bytes = answer.to_bytes();
            if let Err(error) = shared.put(&key, bytes, lives).await {
                tracing::debug!(%error, "an answer cannot be put into the shared cache");
            }
        });
    }

    /// The answer that is in memory, or the right to make it; the shared store was asked by [`Self::find`]. When an
    /// equal call is making it, this waits until that one has ended, but not longer than the settings say.
    pub async fn enter(&self, key: Key) -> Entered {
        let patience = Duration::from_secs(self.inner.settings.share_seconds.min(3600));
        let until = Instant::now() + patience;
        loop {
            if let Some(answer) = self.get(&key) {
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
        let mut flights = self.inner.flights.lock();
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
        self.inner.shelf.lock().clear();
    }

    /// Answers in memory, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        let shelf = self.inner.shelf.lock();
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
        self.cache.inner.flights.lock().remove(&self.key);
    }
}

#[cfg(test)]
#[path = "replies_tests.rs"]
mod tests;
