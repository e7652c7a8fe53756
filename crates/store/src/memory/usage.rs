//! Usage in memory.

use super::MemoryStore;
use crate::{UsageBatch, UsageCounts, UsageGroup, UsageQuery, UsageStore};
use async_trait::async_trait;
use std::collections::BTreeMap;
use yizhan_domain::Result;

#[async_trait]
impl UsageStore for MemoryStore {
    async fn add_usage(&self, batch: UsageBatch) -> Result<u64> {
        let mut state = self.state();
        let position = state.usage_positions.entry(batch.source).or_default();
        if *position != batch.after {
            return Ok(*position);
        }
        *position = batch.through;
        for (key, counts) in batch.rows {
            state.usage.entry(key).or_default().add(&counts);
        }
        Ok(batch.through)
    }

    async fn usage_position(&self, source: &str) -> Result<u64> {
        Ok(self.state().usage_positions.get(source).copied().unwrap_or(0))
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageGroup>> {
        let mut groups: BTreeMap<(Option<i64>, Vec<String>), UsageCounts> = BTreeMap::new();
        for (key, counts) in self.state().usage.iter().filter(|(key, _)| query.matches(key)) {
            groups.entry(query.group_of(key)).or_default().add(counts);
        }
        let groups = groups.into_iter().map(|((start_ms, values), counts)| UsageGroup { start_ms, values, counts });
        Ok(query.arrange(groups.collect()))
    }

    async fn delete_usage_before(&self, before_ms: i64) -> Result<u64> {
        let mut state = self.state();
        let before = state.usage.len();
        state.usage.retain(|key, _| key.hour_ms >= before_ms);
        Ok((before - state.usage.len()) as u64)
    }
}
