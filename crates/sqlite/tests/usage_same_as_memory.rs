//! Whatever usage is added, SQLite answers every question as the store in memory does.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

use proptest::prelude::*;
use yizhan_domain::Money;
use yizhan_sqlite::Sqlite;
use yizhan_store::{
    Dimension, HOUR_MS, Measure, MemoryStore, Period, UsageBatch, UsageCounts, UsageKey, UsageQuery, UsageStore,
};

fn key() -> impl Strategy<Value = UsageKey> {
    // Two years of hours, and few names, so that rows meet.
    (0i64..17_520, proptest::array::uniform7("[ab]{0,1}|它's \"x\"")).prop_map(|(hour, texts)| {
        let [tenant, project, user, key, app, model, provider] = texts;
        UsageKey {
            hour_ms: 1_700_000_000_000 / HOUR_MS * HOUR_MS + hour * HOUR_MS,
            tenant,
            project,
            user,
            key,
            app,
            model,
            provider,
        }
    })
}

fn counts() -> impl Strategy<Value = UsageCounts> {
    (proptest::array::uniform15(0u64..1000), any::<i32>(), 0u32..500_000).prop_map(|(plain, charge, ms)| {
        let mut counts = UsageCounts::from_plain(plain, Money(i64::from(charge)), Default::default());
        counts.count_latency(ms);
        counts
    })
}

fn query() -> impl Strategy<Value = UsageQuery> {
    let dimension = || proptest::sample::select(Dimension::ALL.to_vec());
    let time = || proptest::option::of(1_700_000_000_000i64..1_770_000_000_000);
    let only = proptest::collection::vec((dimension(), proptest::collection::vec("[ab]{0,1}", 0..3)), 0..3);
    let by = proptest::collection::vec(dimension(), 0..4);
    let period = proptest::option::of(proptest::sample::select(vec![Period::Hour, Period::Day, Period::Month]));
    let largest =
        proptest::option::of(proptest::sample::select(vec![Measure::Calls, Measure::Tokens, Measure::Charge]));
    (time(), time(), only, by, period, -840i32..=840, largest, proptest::option::of(0usize..6)).prop_map(
        |(from_ms, to_ms, only, by, period, offset_minutes, largest, limit)| UsageQuery {
            from_ms,
            to_ms,
            only,
            by,
            period,
            offset_minutes,
            largest,
            limit,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_question_has_the_same_answer(
        rows in proptest::collection::vec((key(), counts()), 1..60),
        queries in proptest::collection::vec(query(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (memory, sqlite) = (MemoryStore::new(), Sqlite::open(directory.path()).unwrap());
        runtime.block_on(async {
            for (number, rows) in rows.chunks(7).enumerate() {
                let (after, through) = (number as u64, number as u64 + 1);
                let batch = UsageBatch { source: "audit".into(), after, through, rows: rows.to_vec() };
                assert_eq!(memory.add_usage(batch.clone()).await.unwrap(), through);
                assert_eq!(sqlite.add_usage(batch).await.unwrap(), through);
            }
            for query in &queries {
                assert_eq!(memory.usage(query).await.unwrap(), sqlite.usage(query).await.unwrap(), "{query:?}");
            }
        });
    }
}
