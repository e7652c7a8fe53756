//! Usage by the hour.

use super::Subject;
use crate::{Dimension, HOUR_MS, Measure, Period, UsageBatch, UsageCounts, UsageGroup, UsageKey, UsageQuery};
use yizhan_domain::Money;

/// 2024-02-29T00:00:00Z.
const DAY: i64 = 1_709_164_800_000;

fn key(hour: i64, tenant: &str, model: &str) -> UsageKey {
    UsageKey { hour_ms: DAY + hour * HOUR_MS, tenant: tenant.into(), model: model.into(), ..UsageKey::default() }
}

fn counts(calls: u64, money: i64) -> UsageCounts {
    let mut counts = UsageCounts { calls, prompt_tokens: calls * 100, charge: Money(money), ..UsageCounts::default() };
    counts.count_latency(40);
    counts
}

fn batch(after: u64, through: u64, rows: Vec<(UsageKey, UsageCounts)>) -> UsageBatch {
    UsageBatch { source: "audit".into(), after, through, rows }
}

/// Rows of two tenants, two models and two days.
async fn filled(s: &Subject) {
    let rows = vec![
        (key(0, "clinic", "qwen"), counts(1, 10)),
        (key(0, "bank", "qwen"), counts(2, 5)),
        (key(1, "clinic", "deepseek"), counts(3, 40)),
        (key(25, "clinic", "qwen"), counts(4, 1)),
    ];
    assert_eq!(s.usage.add_usage(batch(0, 10, rows)).await.unwrap(), 10);
}

fn brief(groups: Vec<UsageGroup>) -> Vec<(Option<i64>, String, u64, i64)> {
    let brief = |group: UsageGroup| {
        let start = group.start_ms.map(|start| (start - DAY) / HOUR_MS);
        (start, group.values.join("/"), group.counts.calls, group.counts.charge.0)
    };
    groups.into_iter().map(brief).collect()
}

pub async fn a_batch_is_counted_once(s: &Subject) {
    assert_eq!(s.usage.usage_position("audit").await.unwrap(), 0);
    filled(s).await;
    assert_eq!(s.usage.usage_position("audit").await.unwrap(), 10);
    assert_eq!(s.usage.usage_position("other").await.unwrap(), 0);
    // The same again, and one that leaves something out.
    for (after, through) in [(0, 10), (5, 12), (11, 12)] {
        let again = batch(after, through, vec![(key(0, "clinic", "qwen"), counts(1, 10))]);
        assert_eq!(s.usage.add_usage(again).await.unwrap(), 10);
    }
    let all = s.usage.usage(&UsageQuery::default()).await.unwrap();
    assert_eq!(brief(all), [(None, String::new(), 10, 56)]);
}

pub async fn rows_of_one_key_are_added_up(s: &Subject) {
    filled(s).await;
    let more = vec![(key(0, "clinic", "qwen"), counts(7, 3))];
    assert_eq!(s.usage.add_usage(batch(10, 11, more)).await.unwrap(), 11);
    let query = UsageQuery { to_ms: Some(DAY + HOUR_MS), by: vec![Dimension::Tenant], ..UsageQuery::default() };
    let groups = s.usage.usage(&query).await.unwrap();
    let mut expected = counts(1, 10);
    expected.add(&counts(7, 3));
    assert_eq!(groups[1].counts, expected);
    assert_eq!(brief(groups), [(None, "bank".into(), 2, 5), (None, "clinic".into(), 8, 13)]);
}

pub async fn usage_by_dimension_and_period(s: &Subject) {
    filled(s).await;
    let query = UsageQuery { by: vec![Dimension::Tenant], period: Some(Period::Day), ..UsageQuery::default() };
    let days = [(Some(0), "bank".into(), 2, 5), (Some(0), "clinic".into(), 4, 50), (Some(24), "clinic".into(), 4, 1)];
    assert_eq!(brief(s.usage.usage(&query).await.unwrap()), days);
    let query = UsageQuery { by: vec![], period: Some(Period::Hour), ..query };
    let hours = [(Some(0), String::new(), 3, 15), (Some(1), String::new(), 3, 40), (Some(25), String::new(), 4, 1)];
    assert_eq!(brief(s.usage.usage(&query).await.unwrap()), hours);
    // Zone 23 hours east: the second hour of the 29th lies in March already.
    let query = UsageQuery { period: Some(Period::Month), offset_minutes: 23 * 60, ..query };
    let months = [(Some(-29 * 24 + 24 - 23), String::new(), 3, 15), (Some(1), String::new(), 7, 41)];
    assert_eq!(brief(s.usage.usage(&query).await.unwrap()), months);
}

pub async fn usage_of_some_values_and_hours(s: &Subject) {
    filled(s).await;
    let only = vec![(Dimension::Tenant, vec!["clinic".to_owned(), "nobody".to_owned()])];
    let query = UsageQuery { only, by: vec![Dimension::Model, Dimension::Tenant], ..UsageQuery::default() };
    let models = [(None, "deepseek/clinic".into(), 3, 40), (None, "qwen/clinic".into(), 5, 11)];
    assert_eq!(brief(s.usage.usage(&query).await.unwrap()), models);
    let query = UsageQuery { from_ms: Some(DAY + HOUR_MS), to_ms: Some(DAY + 25 * HOUR_MS), ..query };
    assert_eq!(brief(s.usage.usage(&query).await.unwrap()), [(None, "deepseek/clinic".into(), 3, 40)]);
    let query = UsageQuery { only: vec![(Dimension::Tenant, vec![])], ..query };
    assert_eq!(s.usage.usage(&query).await.unwrap(), []);
}

pub async fn the_largest_come_first(s: &Subject) {
    filled(s).await;
    let (by, largest) = (vec![Dimension::Model], Some(Measure::Charge));
    let query = UsageQuery { by, largest, limit: Some(1), ..UsageQuery::default() };
    assert_eq!(brief(s.usage.usage(&query).await.unwrap()), [(None, "deepseek".into(), 3, 40)]);
    let query = UsageQuery { largest: Some(Measure::Calls), limit: None, ..query };
    let models = [(None, "qwen".into(), 7, 16), (None, "deepseek".into(), 3, 40)];
    assert_eq!(brief(s.usage.usage(&query).await.unwrap()), models);
}

pub async fn old_hours_are_forgotten(s: &Subject) {
    filled(s).await;
    assert_eq!(s.usage.delete_usage_before(DAY + HOUR_MS).await.unwrap(), 2);
    assert_eq!(s.usage.delete_usage_before(DAY + HOUR_MS).await.unwrap(), 0);
    assert_eq!(brief(s.usage.usage(&UsageQuery::default()).await.unwrap()), [(None, String::new(), 7, 41)]);
    assert_eq!(s.usage.usage_position("audit").await.unwrap(), 10);
}
