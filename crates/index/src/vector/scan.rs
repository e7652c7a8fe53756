//! The first pass over codes: the rows with the best estimates, and how many of them to compare exactly.
//!
//! It does not know documents; the caller says which rows count.

use super::codes::{Codes, Prepared};
use super::kernel::LANES;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

/// Blocks that are estimated at a time: their estimates stay in the first-level cache.
const BATCH: usize = 128;

/// An estimate and its row. The greatest is the best; of equal ones the lower row.
#[derive(Clone, Copy)]
struct Estimate(f32, u32);

impl PartialEq for Estimate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Estimate {}
impl PartialOrd for Estimate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Estimate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

/// The rows with the best estimates so far.
pub(crate) struct Candidates {
    most: usize,
    /// Estimates at or below it cannot be among the best any more.
    threshold: f32,
    found: Vec<Estimate>,
}

impl Candidates {
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.max(1), threshold: f32::NEG_INFINITY, found: Vec::new() }
    }

    fn push(&mut self, estimate: f32, row: usize) {
        self.found.push(Estimate(estimate, row as u32));
        if self.found.len() >= self.most * 2 {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.found.len() > self.most {
            let (_, last, _) = self.found.select_nth_unstable_by(self.most - 1, |a, b| b.cmp(a));
            self.threshold = last.0;
            self.found.truncate(self.most);
        }
    }

    /// Adds the rows of a range that count.
    pub(crate) fn scan(&mut self, codes: &Codes, query: &Prepared, rows: Range<usize>, counts: impl Fn(usize) -> bool) {
        let rows = rows.start..rows.end.min(codes.len());
        let mut estimates = [0f32; BATCH * LANES];
        let mut block = rows.start / LANES;
        while block * LANES < rows.end {
            let blocks = (rows.end.div_ceil(LANES) - block).min(BATCH);
            let estimates = &mut estimates[..blocks * LANES];
            codes.estimate(query, block, estimates);
            for (index, lanes) in estimates.as_chunks::<LANES>().0.iter().enumerate() {
                // Nearly every block ends here: one comparison for all its rows.
                if lanes.iter().any(|estimate| *estimate > self.threshold) {
                    self.take(lanes, (block + index) * LANES, &rows, &counts);
                }
            }
            block += blocks;
        }
    }

    fn take(&mut self, lanes: &[f32; LANES], first: usize, rows: &Range<usize>, counts: impl Fn(usize) -> bool) {
        for (lane, estimate) in lanes.iter().enumerate() {
            let row = first + lane;
            if *estimate > self.threshold && rows.contains(&row) && counts(row) {
                self.push(*estimate, row);
            }
        }
    }

    /// Rows with their estimates, best first. Few of them are asked for, so they are not sorted.
    pub(crate) fn into_best_first(mut self) -> impl Iterator<Item = (f32, usize)> {
        self.shrink();
        let mut heap: BinaryHeap<Estimate> = self.found.into();
        std::iter::from_fn(move || heap.pop().map(|Estimate(estimate, row)| (estimate, row as usize)))
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
