//! Settlements that Redis has not acknowledged yet.
//!
//! It does not know how they are sent. Each may be sent any number of times: the script does it once.

use crate::counters::{Count, Warner};
use redis::Cmd;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// How many are sent at once.
const BATCH: usize = 256;

pub(crate) struct Settlement {
    pub tenant: Arc<str>,
    pub command: Cmd,
    /// Later than this, Redis has forgotten what it would settle.
    pub until: Instant,
}

/// By tenant: the next reservation of the same tenant takes them along, and so comes after them.
pub(crate) struct Pending {
    most: usize,
    waiting: Mutex<Waiting>,
    pub some: Notify,
    pub dropped: Count,
    warner: Warner,
}

#[derive(Default)]
struct Waiting {
    by_tenant: HashMap<Arc<str>, Vec<Settlement>>,
    count: usize,
}

impl Pending {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            waiting: Mutex::default(),
            some: Notify::new(),
            dropped: Count::default(),
            warner: Warner::default(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.waiting().count
    }

    pub(crate) fn push(&self, settlement: Settlement) {
        self.put(vec![settlement]);
        self.some.notify_one();
    }

    /// Puts back what could not be sent.
    pub(crate) fn put_back(&self, settlements: Vec<Settlement>) {
        self.put(settlements);
        self.some.notify_one();
    }

    /// Gives up what Redis has forgotten meanwhile.
    pub(crate) fn give_up_late(&self) {
        let late = {
            let (mut waiting, now) = (self.waiting(), Instant::now());
            waiting.by_tenant.retain(|_, settlements| {
                settlements.retain(|settlement| settlement.until > now);
                !settlements.is_empty()
            });
            let left = waiting.by_tenant.values().map(Vec::len).sum();
            std::mem::replace(&mut waiting.count, left) - left
        };
        self.give_up(late, "Redis was away for too long");
    }

    fn put(&self, settlements: Vec<Settlement>) {
        let all = settlements.len();
        let put = {
            let mut waiting = self.waiting();
            let room = self.most.saturating_sub(waiting.count).min(all);
            waiting.count += room;
            for settlement in settlements.into_iter().take(room) {
                waiting.by_tenant.entry(settlement.tenant.clone()).or_default().push(settlement);
            }
            room
        };
        self.give_up(all - put, "too many wait for Redis already; see redis.pending");
    }

    /// Those of a tenant.
    pub(crate) fn take_of(&self, tenant: &str) -> Vec<Settlement> {
        let mut waiting = self.waiting();
        let taken = waiting.by_tenant.remove(tenant).unwrap_or_default();
        waiting.count -= taken.len();
        taken
    }

    /// Some, of whomever.
    pub(crate) fn take(&self) -> Vec<Settlement> {
        let mut taken = Vec::new();
        while let Some(tenant) = self.next().filter(|_| taken.len() < BATCH) {
            taken.extend(self.take_of(&tenant));
        }
        taken
    }

    fn next(&self) -> Option<Arc<str>> {
        self.waiting().by_tenant.keys().next().cloned()
    }

    /// Counts settlements that will never be made.
    fn give_up(&self, count: usize, why: &str) {
        if count == 0 {
            return;
        }
        self.dropped.add(count);
        if self.warner.is_due() {
            let total = self.dropped.get();
            tracing::warn!(count, total, why, "settlements were given up: what they would give back stays spent");
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "pending_tests.rs"]
mod tests;
