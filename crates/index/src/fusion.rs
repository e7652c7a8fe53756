//! Several rankings of the same chunks → one.
//!
//! It does not know where a ranking comes from; it is arithmetic on ranks.

use crate::Hit;
use crate::text::best_first;
use std::collections::HashMap;
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
        let mut ranked = std::collections::HashSet::with_capacity(list.len());
        for (position, hit) in list.iter().enumerate().filter(|(_, hit)| ranked.insert(hit.chunk)) {
            let sum = fused.entry(hit.chunk).or_insert(Hit { score: 0.0, ..*hit });
            sum.score += weight / (k + 1.0 + position as f32);
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
