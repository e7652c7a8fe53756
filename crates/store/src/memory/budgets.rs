//! Drawn money in memory.
//!
//! It does not survive the process, so it suits tests alone.

use super::MemoryStore;
use crate::{BudgetLine, BudgetStore, Draw, Drawn};
use async_trait::async_trait;
use std::collections::HashMap;
use yizhan_domain::{Money, Result};

#[async_trait]
impl BudgetStore for MemoryStore {
    async fn draw(&self, holder: &str, draws: Vec<Draw>) -> Result<Vec<Drawn>> {
        let mut state = self.state();
        let grant = |draw: Draw| {
            let holders = state.drawn.entry(draw.line.clone()).or_default();
            let others = holders.iter().filter(|(other, _)| *other != holder).map(|(_, amount)| *amount).sum();
            let drawn = Drawn::grant(&draw, others);
            holders.insert(holder.to_owned(), drawn.total);
            drawn
        };
        Ok(draws.into_iter().map(grant).collect())
    }

    async fn spent(&self, line: &BudgetLine) -> Result<Money> {
        Ok(self.state().drawn.get(line).map_or(Money::ZERO, |holders| holders.values().copied().sum()))
    }

    async fn set_spent(&self, line: &BudgetLine, amount: Money) -> Result<()> {
        self.state().drawn.insert(line.clone(), HashMap::from([(String::new(), amount)]));
        Ok(())
    }

    async fn forget_period(&self, period: &str) -> Result<()> {
        self.state().drawn.retain(|line, _| line.period != period);
        Ok(())
    }
}
