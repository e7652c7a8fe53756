//! Metrics of one ranked list, all between 0 and 1.
//!
//! A passage is relevant or not; there are no grades. It does not average: [`crate::Report`] does.

use std::collections::HashSet;
use std::fmt;

/// What was found for one question, best first, against what should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// Ranks from 1 at which a relevant passage stands, ascending.
    ranks: Vec<usize>,
    /// How many relevant passages there are.
    relevant: usize,
}

impl Ranking {
    /// Compares a ranked list with the relevant passages, both as positions. A passage that is ranked twice counts where
    /// it stands first; the ranks of others don't move up for it.
    pub fn new(ranked: &[usize], relevant: &[usize]) -> Self {
        let relevant: HashSet<usize> = relevant.iter().copied().collect();
        let mut open = relevant.clone();
        let ranks = (1..).zip(ranked).filter(|(_, passage)| open.remove(passage)).map(|(rank, _)| rank).collect();
        Self { ranks, relevant: relevant.len() }
    }

    fn found_within(&self, cut: usize) -> usize {
        self.ranks.partition_point(|&rank| rank <= cut)
    }
}

/// A measure of one ranked list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// 1 when any relevant passage is among the first k.
    Hit(usize),
    /// Relevant passages among the first k, of all relevant ones.
    Recall(usize),
    /// The same figure under the name that the code-base set's publications use for it: a question scores the share of
    /// its golden chunks among the first k.
    Pass(usize),
    /// 1 over the rank of the first relevant passage; 0 when it is not among the first k (reciprocal rank).
    Mrr(usize),
    /// Discounted cumulative gain of the first k over the best possible one, each relevant passage gaining
    /// 1 / log2(rank + 1) (Järvelin and Kekäläinen 2002, with gains of 0 and 1).
    Ndcg(usize),
}

impl Metric {
    /// What a retrieval evaluation reports.
    pub const RETRIEVAL: &'static [Metric] =
        &[Metric::Hit(1), Metric::Hit(5), Metric::Hit(10), Metric::Recall(10), Metric::Mrr(10), Metric::Ndcg(10)];

    /// What is published for the code-base set.
    pub const CODEBASE: &'static [Metric] = &[Metric::Pass(5), Metric::Pass(10), Metric::Pass(20)];

    /// How many places of the list the metric looks at.
    pub const fn depth(self) -> usize {
        match self {
            Metric::Hit(k) | Metric::Recall(k) | Metric::Pass(k) | Metric::Mrr(k) | Metric::Ndcg(k) => k,
        }
    }

    /// The metric of one list. 0 when nothing is relevant.
    pub fn of(self, ranking: &Ranking) -> f64 {
        let found = ranking.found_within(self.depth());
        if found == 0 {
            return 0.0;
        }
        match self {
            Metric::Hit(_) => 1.0,
            Metric::Recall(_) | Metric::Pass(_) => found as f64 / ranking.relevant as f64,
            Metric::Mrr(_) => 1.0 / ranking.ranks[0] as f64,
            Metric::Ndcg(k) => {
                let gained: f64 = ranking.ranks[..found].iter().copied().map(gain).sum();
                let possible: f64 = (1..=ranking.relevant.min(k)).map(gain).sum();
                (gained / possible).min(1.0)
            }
        }
    }
}

fn gain(rank: usize) -> f64 {
    1.0 / (rank as f64 + 1.0).log2()
}

/// As in `hit@1`, `MRR@10`.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Metric::Hit(_) => "hit",
            Metric::Recall(_) => "recall",
            Metric::Pass(_) => "Pass",
            Metric::Mrr(_) => "MRR",
            Metric::Ndcg(_) => "nDCG",
        };
        write!(f, "{name}@{}", self.depth())
    }
}

#[cfg(test)]
#[path = "metric_tests.rs"]
mod tests;
