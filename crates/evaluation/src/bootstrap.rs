//! How far a mean may be from the truth, by the bootstrap percentile interval.
//!
//! From n scores, n are drawn with replacement, 1,000 times; the 2.5th and 97.5th percentile of the means are the
//! interval's ends (Efron and Tibshirani 1993, chapter 13). The questions are what is sampled: the interval says how
//! the figure would vary with other questions of the same kind, not with other passages. Draws come from SplitMix64 with a
//! fixed seed over the sorted scores, so that the same scores give the same interval in any order and on any machine.

use serde::Serialize;

/// How often the scores are drawn anew.
pub const RESAMPLES: usize = 1_000;

const SEED: u64 = 0x9a1e_57a7_1071_2026;

/// A mean with its 95 % interval; `low ≤ value ≤ high`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The mean.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// The mean of the scores (finite ones) and its 95 % bootstrap percentile interval; all zero without scores.
pub fn interval(scores: &[f64]) -> Interval {
    if scores.is_empty() {
        return Interval { value: 0.0, low: 0.0, high: 0.0 };
    }
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
    let value = (sorted.iter().sum::<f64>() / count).max(least).min(most);
    let mut random = SplitMix64(SEED);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..sorted.len()).map(|_| sorted[random.below(sorted.len())]).sum::<f64>() / count)
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    // A percentile may miss a very skewed mean; sums may miss a constant one by a rounding error.
    let (low, high) = (quantile(&means, 0.025), quantile(&means, 0.975));
    Interval { value, low: low.max(least).min(value), high: high.max(value).min(most) }
}

/// The quantile of sorted values, interpolated between neighbours; 0 without values.
pub(crate) fn quantile(sorted: &[f64], at: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = at * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// Steele, Lea and Flood 2014; passes BigCrush and needs one word of state.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `bound`, by multiplication; its bias is below bound / 2^64.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
#[path = "bootstrap_tests.rs"]
mod tests;
