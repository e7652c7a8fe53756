//! In which order a route's targets are tried.
//!
//! It does not know whether they are healthy.

use crate::retry::random_share;
use serde::{Deserialize, Serialize};

/// How the first target is chosen. The others follow as fallbacks, in the same sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// In the order in which they are written: the later ones are for when the earlier ones fail.
    #[default]
    Ordered,
    /// At random, by weight.
    Weighted,
    /// The one with the fewest open calls for its weight.
    LeastLoaded,
    /// The cheapest first.
    Cheapest,
}

/// What the order depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// 1 is usual; 0 only as a fallback.
    pub(crate) weight: u32,
    /// Calls that it answers now.
    pub(crate) open: usize,
    /// Any measure that grows with the price.
    pub(crate) price: f64,
}

/// Indexes of the targets, best first.
pub(crate) fn order(strategy: Strategy, targets: &[Facts]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..targets.len()).collect();
    match strategy {
        Strategy::Ordered => {}
        Strategy::Weighted => {
            // Weighted sampling without replacement: keys u^(1/w), largest first (Efraimidis and Spirakis).
            let key = |target: &Facts| match target.weight {
                0 => -1.0,
                weight => random_share().max(f64::MIN_POSITIVE).powf(1.0 / f64::from(weight)),
            };
            let keys: Vec<f64> = targets.iter().map(key).collect();
            order.sort_by(|&a, &b| keys[b].total_cmp(&keys[a]));
        }
        Strategy::LeastLoaded => {
            let load = |target: &Facts| match target.weight {
                0 => f64::INFINITY,
                weight => (target.open as f64 + 1.0) / f64::from(weight),
            };
            order.sort_by(|&a, &b| load(&targets[a]).total_cmp(&load(&targets[b])));
        }
        Strategy::Cheapest => order.sort_by(|&a, &b| targets[a].price.total_cmp(&targets[b].price)),
    }
    order
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
