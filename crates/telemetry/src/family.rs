//! The numbers of one metric, by the values of its labels.
//!
//! It does not know what the numbers mean. A combination's number is found once and may then be kept: it
//! is an [`Arc`] of atomics.

use crate::table::{Metric, OPEN_LABELS};
use hashbrown::HashTable;
use parking_lot::RwLock;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const SHARDS: usize = 16;

/// What open labels are called beyond the most series.
pub(crate) const OTHER: &str = "other";

struct Entry<const N: usize, V> {
    labels: [Box<str>; N],
    value: Arc<V>,
}

/// Values by `N` texts, for many readers and few writers.
pub(crate) struct Map<const N: usize, V> {
    // Keyed anew in each process, so that nobody can choose names that collide.
    hasher: RandomState,
    shards: [RwLock<HashTable<Entry<N, V>>>; SHARDS],
    len: AtomicUsize,
}

impl<const N: usize, V> Map<N, V> {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| RwLock::new(HashTable::new())),
            len: AtomicUsize::new(0),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    pub(crate) fn find(&self, labels: &[&str; N]) -> Option<Arc<V>> {
        let hash = self.hasher.hash_one(labels);
        let shard = self.shards[hash as usize % SHARDS].read();
        shard.find(hash, |entry| same(&entry.labels, labels)).map(|entry| Arc::clone(&entry.value))
    }

    /// The value that is there, or `make`'s.
    pub(crate) fn insert(&self, labels: &[&str; N], make: impl FnOnce() -> Arc<V>) -> Arc<V> {
        let hash = self.hasher.hash_one(labels);
        let mut shard = self.shards[hash as usize % SHARDS].write();
        if let Some(entry) = shard.find(hash, |entry| same(&entry.labels, labels)) {
            return Arc::clone(&entry.value);
        }
        let value = make();
        let entry = Entry { labels: labels.map(Box::from), value: Arc::clone(&value) };
        let rehash = |entry: &Entry<N, V>| self.hasher.hash_one(entry.labels.each_ref().map(|label| &**label));
        shard.insert_unique(hash, entry, rehash);
        self.len.fetch_add(1, Ordering::Relaxed);
        value
    }

    fn all(&self) -> Vec<([Box<str>; N], Arc<V>)> {
        let mut all = Vec::with_capacity(self.len());
        for shard in &self.shards {
            all.extend(shard.read().iter().map(|entry| (entry.labels.clone(), Arc::clone(&entry.value))));
        }
        all
    }
}

fn same<const N: usize>(kept: &[Box<str>; N], labels: &[&str; N]) -> bool {
    kept.iter().zip(labels).all(|(kept, label)| **kept == **label)
}

/// The series of one metric; never many more than the most.
pub(crate) struct Family<const N: usize, V> {
    pub(crate) metric: &'static Metric<N>,
    most: usize,
    map: Map<N, V>,
}

impl<const N: usize, V: Default> Family<N, V> {
    /// `most` series; after that the open labels of further ones are folded into `other`.
    pub(crate) fn new(metric: &'static Metric<N>, most: usize) -> Self {
        Self { metric, most, map: Map::new() }
    }

    /// The number of this combination.
    pub(crate) fn get(&self, labels: &[&str; N]) -> Arc<V> {
        if let Some(value) = self.map.find(labels) {
            return value;
        }
        let mut labels = *labels;
        if self.map.len() >= self.most {
            for (value, name) in labels.iter_mut().zip(self.metric.labels) {
                if OPEN_LABELS.contains(&name) {
                    *value = OTHER;
                }
            }
        }
        self.map.insert(&labels, || Arc::new(V::default()))
    }

    /// All series, in the order of their labels, so that two scrapes of the same numbers are the same text.
    pub(crate) fn all(&self) -> Vec<([Box<str>; N], Arc<V>)> {
        let mut all = self.map.all();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }
}

#[cfg(test)]
#[path = "family_tests.rs"]
mod tests;
