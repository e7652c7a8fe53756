use super::*;
use async_trait::async_trait;
use std::sync::atomic::{AtomicU8, Ordering};
use yizhan_store::{Dimension, MemoryStore};

fn call(tenant: &str) -> Call<'_> {
    let usage = Usage { prompt_tokens: 100, completion_tokens: 10, ..Usage::default() };
    Call { time_ms: 7_200_001, tenant, model: "qwen", usage, charge: Some(Money(5)), total_ms: 40, ..Call::default() }
}

async fn calls(meter: &Meter) -> Vec<(String, u64, i64)> {
    let query = UsageQuery { by: vec![Dimension::Tenant], ..UsageQuery::default() };
    let brief = |mut group: UsageGroup| (group.values.remove(0), group.counts.calls, group.counts.charge.0);
    meter.usage(&query).await.unwrap().into_iter().map(brief).collect()
}

#[tokio::test]
async fn calls_are_added_up_by_the_hour_and_counted_once() {
    let store = Arc::new(MemoryStore::new());
    let meter = Meter::open(store.clone(), "audit").await.unwrap();
    for sequence in [1, 2, 2, 1, 4] {
        meter.add(sequence, &call("clinic"));
    }
    meter.add(5, &call("bank"));
    meter.pass(6);
    assert_eq!((meter.rows(), meter.position()), (2, 6));
    assert_eq!(calls(&meter).await, [("bank".into(), 1, 5), ("clinic".into(), 3, 15)]);
    assert_eq!(store.usage(&UsageQuery { from_ms: Some(7_200_000), ..UsageQuery::default() }).await.unwrap().len(), 1);
    // The process dies with something in memory, and is told again what the store lacks.
    meter.add(7, &call("bank"));
    let meter = Meter::open(store, "audit").await.unwrap();
    assert_eq!(meter.position(), 6);
    for sequence in 5..=8 {
        meter.add(sequence, &call("bank"));
    }
    assert_eq!(calls(&meter).await, [("bank".into(), 3, 15), ("clinic".into(), 3, 15)]);
}

#[test]
fn outcomes_and_unknown_prices_are_counted_apart() {
    let counts = Call { outcome: CallOutcome::Refused, ..Call::default() }.counts();
    assert_eq!((counts.calls, counts.refusals, counts.errors, counts.unpriced), (1, 1, 0, 0));
    let counts = Call { charge: None, first_token_ms: Some(7), cache_hit: true, ..call("a") }.counts();
    assert_eq!((counts.unpriced, counts.first_token_calls, counts.first_token_ms, counts.cache_hits), (1, 1, 7, 1));
    assert_eq!(Call { time_ms: -5, ..Call::default() }.key().hour_ms, 0);
}

/// Fails before or after it did what it was asked to.
struct Shaky {
    store: MemoryStore,
    /// 1: before; 2: after; else not.
    fault: AtomicU8,
}

#[async_trait]
impl UsageStore for Shaky {
    async fn add_usage(&self, batch: UsageBatch) -> Result<u64> {
        let fault = self.fault.swap(0, Ordering::SeqCst);
        if fault == 1 {
            return Err(Error::internal("before"));
        }
        let position = self.store.add_usage(batch).await?;
        if fault == 2 { Err(Error::internal("after")) } else { Ok(position) }
    }
    async fn usage_position(&self, source: &str) -> Result<u64> {
        self.store.usage_position(source).await
    }
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageGroup>> {
        self.store.usage(query).await
    }
    async fn delete_usage_before(&self, before_ms: i64) -> Result<u64> {
        self.store.delete_usage_before(before_ms).await
    }
}

#[tokio::test]
async fn a_store_that_fails_before_or_after_its_work_loses_and_doubles_nothing() {
    let shaky = Arc::new(Shaky { store: MemoryStore::new(), fault: AtomicU8::new(0) });
    let meter = Meter::open(shaky.clone(), "audit").await.unwrap();
    for (sequence, fault) in [(1, 1), (2, 2), (3, 1), (4, 0)] {
        meter.add(sequence, &call("clinic"));
        shaky.fault.store(fault, Ordering::SeqCst);
        assert_eq!(meter.flush().await.is_err(), fault > 0, "{sequence}");
    }
    assert_eq!(calls(&meter).await, [("clinic".into(), 4, 20)]);
}

#[tokio::test]
async fn two_that_count_one_source_are_told() {
    let store = Arc::new(MemoryStore::new());
    let one = Meter::open(store.clone(), "audit").await.unwrap();
    let two = Meter::open(store, "audit").await.unwrap();
    one.add(1, &call("clinic"));
    two.add(3, &call("clinic"));
    one.flush().await.unwrap();
    assert_eq!(two.flush().await.unwrap_err().code(), ErrorCode::Conflict);
}
