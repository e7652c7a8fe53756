//! Keeps the best hits of many.

use crate::Hit;
use crate::text::{Ranked, best_first};
use std::collections::BinaryHeap;

/// The best `top` hits so far.
pub(crate) struct Best {
    top: usize,
    heap: BinaryHeap<Ranked>,
}

impl Best {
    pub(crate) fn new(top: usize) -> Self {
        Self { top, heap: BinaryHeap::new() }
    }

    /// The score below which nothing is kept any more.
    pub(crate) fn bar(&self) -> f32 {
        match self.heap.peek() {
            Some(worst) if self.heap.len() >= self.top => worst.0.score,
            _ => f32::NEG_INFINITY,
        }
    }

    /// Adds a hit.
    pub(crate) fn offer(&mut self, hit: Hit) {
        if hit.score < self.bar() {
            return;
        }
        self.heap.push(Ranked(hit));
        if self.heap.len() > self.top {
            self.heap.pop();
        }
    }

    /// Best first.
    pub(crate) fn into_hits(self) -> Vec<Hit> {
        let mut hits: Vec<Hit> = self.heap.into_iter().map(|ranked| ranked.0).collect();
        hits.sort_unstable_by(best_first);
        hits
    }
}
