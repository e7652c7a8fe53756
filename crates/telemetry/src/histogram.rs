//! Counts of durations by size, for Prometheus.
//!
//! It does not know what is measured.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds in milliseconds, both for whole calls and for first tokens.
pub(crate) const BOUNDS_MS: [u32; 15] =
    [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000];

/// A histogram of durations.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// How many were in each bucket alone; the last is above all bounds.
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_ms: AtomicU64,
}

/// What it holds at one moment.
pub(crate) struct Snapshot {
    /// How many were at most as long as each bound; the last is all.
    pub(crate) cumulative: [u64; BOUNDS_MS.len() + 1],
    pub(crate) sum_ms: u64,
}

impl Histogram {
    pub(crate) fn observe(&self, ms: u32) {
        let bucket = BOUNDS_MS.partition_point(|bound| *bound < ms);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_ms.fetch_add(u64::from(ms), Ordering::Relaxed);
    }

    /// Buckets never contradict their total: it is their sum.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let sum_ms = self.sum_ms.load(Ordering::Relaxed);
        let mut total = 0u64;
        let cumulative = std::array::from_fn(|index| {
            total = total.saturating_add(self.buckets[index].load(Ordering::Relaxed));
            total
        });
        Snapshot { cumulative, sum_ms }
    }
}

#[cfg(test)]
#[path = "histogram_tests.rs"]
mod tests;
