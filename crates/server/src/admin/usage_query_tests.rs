use super::{read, write};
use proptest::prelude::*;
use yizhan_domain::{Money, Result};
use yizhan_store::{Dimension, HOUR_MS, LATENCY_BOUNDS, Measure, Period, UsageCounts, UsageGroup, UsageQuery};

const NOW: i64 = 1_795_336_200_000; // 2026-11-22T08:30:00Z

fn query(fields: &[(&str, &str)]) -> Result<UsageQuery> {
    read(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())), NOW)
}

#[test]
fn a_question_is_read_whole() {
    let read = query(&[
        ("from", "2h"),
        ("to", "now"),
        ("by", "model, tenant"),
        ("by", "model"),
        ("period", "day"),
        ("utc_offset", " 08:00"),
        ("sort", "charge"),
        ("limit", "5"),
        ("tenant", "a,b"),
    ]);
    let hour = NOW - NOW % HOUR_MS;
    let expected = UsageQuery {
        from_ms: Some(hour - 2 * HOUR_MS),
        to_ms: Some(NOW),
        only: vec![(Dimension::Tenant, vec!["a".to_owned(), "b".to_owned()])],
        by: vec![Dimension::Model, Dimension::Tenant],
        period: Some(Period::Day),
        offset_minutes: 480,
        largest: Some(Measure::Charge),
        limit: Some(5),
    };
    assert_eq!(read, Ok(expected));
}

#[test]
fn less_than_an_hour_is_the_hour_that_it_lies_in() {
    let read = query(&[("from", "10m")]).unwrap();
    assert_eq!(read.from_ms, Some(NOW - NOW % HOUR_MS));
}

#[test]
fn what_is_wrong_is_named() {
    for (name, value) in [
        ("from", "soon"),
        ("to", "x"),
        ("by", "colour"),
        ("by", "model,,"),
        ("period", "year"),
        ("sort", "size"),
        ("limit", "0"),
        ("limit", "10001"),
        ("utc_offset", "8"),
        ("tennant", "a"),
    ] {
        let error = query(&[(name, value)]).expect_err(value);
        assert_eq!(error.parameter(), Some(name), "{value}");
    }
}

#[test]
fn an_answer_says_what_follows_from_the_sums() {
    let mut counts = UsageCounts {
        calls: 2,
        prompt_tokens: 30,
        completion_tokens: 12,
        total_ms: 301,
        charge: Money(1_500_000),
        ..UsageCounts::default()
    };
    counts.count_latency(LATENCY_BOUNDS[0]);
    counts.count_latency(200);
    let asked = query(&[("by", "model"), ("period", "day"), ("utc_offset", "+08:00")]).unwrap();
    let group = UsageGroup { start_ms: Some(1_795_276_800_000), values: vec!["qwen".to_owned()], counts };
    let answer = write(&asked, &[group]);
    let row = &answer["data"][0];
    assert_eq!((&row["model"], &row["total_tokens"], &row["charge"]), (&"qwen".into(), &42.into(), &0.0015.into()));
    assert_eq!((&row["start"], &row["mean_ms"]), (&"2026-11-22T00:00:00+08:00".into(), &150.5.into()));
    assert!(row["mean_first_token_ms"].is_null());
    assert!(row["p99_ms"].as_f64() <= Some(250.0) && row["p50_ms"].as_f64() <= Some(10.0), "{row}");
}

proptest! {
    #[test]
    fn nothing_panics(name in "from|to|by|period|utc_offset|sort|limit|tenant|.{0,8}", value in ".{0,30}") {
        let _ = query(&[(&name, &value)]);
    }
}
