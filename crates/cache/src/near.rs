//! Questions that are nearly the same: nearest by cosine in a flat list per partition, and then only where the
//! facts of both agree.
//!
//! It does not know what the answers are, nor where vectors come from.

use crate::facts::Facts;
use crate::key::Key;
use crate::settings::Semantic;
use lru::LruCache;
use parking_lot::Mutex;
use std::collections::VecDeque;

/// A question with what is needed to compare it.
#[derive(Clone, Debug)]
pub struct Question {
    /// Equal for requests that differ in the question's text alone.
    pub around: Key,
    /// Its vector, of length 1.
    pub vector: Vec<f32>,
    /// What must agree for the same answer.
    pub facts: Facts,
}

/// The nearest question whose facts agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// Under which the answer is kept.
    pub key: Key,
    /// Of the two questions' vectors.
    pub cosine: f32,
}

/// All questions, newest kept.
pub struct Near {
    threshold: f32,
    most: usize,
    most_per_group: usize,
    groups: Mutex<Groups>,
}

struct Groups {
    by_key: LruCache<Key, VecDeque<Entry>>,
    count: usize,
}

struct Entry {
    vector: Box<[f32]>,
    facts: Facts,
    key: Key,
}

impl Near {
    /// An empty one.
    pub fn new(settings: &Semantic) -> Self {
        Self {
            threshold: settings.threshold,
            most: settings.max_questions,
            most_per_group: settings.max_per_partition,
            groups: Mutex::new(Groups { by_key: LruCache::unbounded(), count: 0 }),
        }
    }

    /// The nearest question at or above the threshold that may have the same answer. Facts are compared
    /// first: that is cheap, and most questions end there.
    pub fn find(&self, question: &Question) -> Option<Nearest> {
        let mut groups = self.groups.lock();
        let group = groups.by_key.get(&question.around)?;
        let same = |entry: &&Entry| entry.vector.len() == question.vector.len() && entry.facts.agree(&question.facts);
        let with_cosine = |entry: &Entry| Nearest { key: entry.key, cosine: dot(&entry.vector, &question.vector) };
        let near = group.iter().filter(same).map(with_cosine).filter(|nearest| nearest.cosine >= self.threshold);
        near.max_by(|a, b| a.cosine.total_cmp(&b.cosine))
    }

    /// Remembers a question whose answer is kept under `key`.
    pub fn put(&self, question: Question, key: Key) {
        let mut groups = self.groups.lock();
        let Question { around, vector, facts } = question;
        let entry = Entry { vector: vector.into_boxed_slice(), facts, key };
        let group = groups.by_key.get_or_insert_mut(around, VecDeque::new);
        let before = group.len();
        group.retain(|old| old.key != key);
        group.push_back(entry);
        while group.len() > self.most_per_group.max(1) {
            group.pop_front();
        }
        let after = group.len();
        groups.count = groups.count + after - before;
        groups.shrink(self.most.max(1), &around);
    }

    /// Forgets a question whose answer is gone.
    pub fn remove(&self, around: &Key, key: &Key) {
        let mut groups = self.groups.lock();
        let Some(group) = groups.by_key.get_mut(around) else { return };
        let before = group.len();
        group.retain(|entry| entry.key != *key);
        let after = group.len();
        groups.count -= before - after;
        if after == 0 {
            groups.by_key.pop(around);
        }
    }

    /// Forgets all.
    pub fn clear(&self) {
        let mut groups = self.groups.lock();
        groups.by_key.clear();
        groups.count = 0;
    }

    /// Questions remembered.
    pub fn len(&self) -> usize {
        self.groups.lock().count
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Groups {
    /// Drops the partitions that were asked longest ago, at last the oldest questions of this one.
    fn shrink(&mut self, most: usize, newest: &Key) {
        while self.count > most {
            match self.by_key.peek_lru().map(|(key, _)| *key) {
                Some(key) if key != *newest => {
                    let dropped = self.by_key.pop(&key).map_or(0, |group| group.len());
                    self.count -= dropped;
                }
                _ => {
                    let dropped = self.by_key.get_mut(newest).and_then(VecDeque::pop_front);
                    if dropped.is_none() {
                        return;
                    }
                    self.count -= 1;
                }
            }
        }
    }
}

/// In eight sums, which a compiler turns into vector instructions.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
#[path = "near_tests.rs"]
mod tests;
