//! Several rankings of the same chunks → one.
//!
//! It does not know where a ranking comes from. On the sets measured, with a hundred hits of each
//! side, [`fuse_scores`] with equal weights ranks better than [`fuse`] with any `k` (`bench/search/README.md`).

use crate::Hit;
use crate::text::best_first;
use std::collections::{HashMap, HashSet};
use yizhan_domain::ChunkId;

/// Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): a chunk scores the sum of
/// `1 / (k + rank)` over the lists that hold it, ranks from 1. Best first, ties by chunk number.
pub fn fuse(lists: &[&[Hit]], k: f32) -> Vec<Hit> {
    let weighted: Vec<(&[Hit], f32)> = lists.iter().map(|list| (*list, 1.0)).collect();
    fuse_weighted(&weighted, k)
}

/// As [`fuse`], each list's part multiplied by its weight. A chunk that one list holds twice
/// counts there once, at its better rank; `k` below zero counts as zero.
pub fn fuse_weighted(lists: &[(&[Hit], f32)], k: f32) -> Vec<Hit> {
    let k = k.max(0.0);
    let mut fused: HashMap<ChunkId, Hit> = HashMap::new();
    for (list, weight) in lists {
        let mut ranked = HashSet::with_capacity(list.len());
        for (position, hit) in list.iter().enumerate().filter(|(_, hit)| ranked.insert(hit.chunk)) {
            let sum = fused.entry(hit.chunk).or_insert(Hit { score: 0.0, ..*hit });
            sum.score += weight / (k + 1.0 + position as f32);
        }
    }
    sorted(fused)
}

/// Sums the lists' scores, each list brought to the range from 0 (its last hit) to 1 (its first)
/// and multiplied by its weight. Unlike ranks, this keeps how far ahead the first ones are; a list
/// whose scores are all one, or not finite, counts 1 for each of its hits.
pub fn fuse_scores(lists: &[(&[Hit], f32)]) -> Vec<Hit> {
    let mut fused: HashMap<ChunkId, Hit> = HashMap::new();
    for (list, weight) in lists {
        let (low, high) = list
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), hit| (low.min(hit.score), high.max(hit.score)));
        let range = high - low;
        let scaled = |score: f32| if range > 0.0 && range.is_finite() { (score - low) / range } else { 1.0 };
        let mut counted = HashSet::with_capacity(list.len());
        for hit in list.iter().filter(|hit| counted.insert(hit.chunk)) {
            let sum = fused.entry(hit.chunk).or_insert(Hit { score: 0.0, ..*hit });
            sum.score += weight * scaled(hit.score);
        }
    }
    sorted(fused)
}

fn sorted(fused: HashMap<ChunkId, Hit>) -> Vec<Hit> {
    let mut hits: Vec<Hit> = fused.into_values().collect();
    hits.sort_unstable_by(best_first);
    hits
}

#[cfg(test)]
#[path = "fusion_tests.rs"]
mod tests;
