//! Questions about usage as a query's fields, and the answers in JSON.
//!
//! It does not know who may ask about whom, nor where usage is kept.

use super::time::{self, Toward, offset_minutes};
use super::wire::one_of;
use serde_json::{Map, Value, json};
use yizhan_domain::{Error, Result};
use yizhan_store::{Dimension, HOUR_MS, Measure, Period, UsageCounts, UsageGroup, UsageQuery};

/// Groups of an answer unless the caller says otherwise, and at most.
const GROUPS: (usize, usize) = (1000, 10_000);

/// The question that these fields ask:
///
/// - `from`, `to`: see [`time::read`]. Usage is kept by the hour: both are widened to whole hours.
/// - `by`: any of tenant, project, user, key, app, model, provider, with commas.
/// - `period`: hour, day or month; `utc_offset` says where days begin, like `+08:00`.
/// - a dimension's name: only these values of it, with commas.
/// - `sort`: the measure by which the largest come first; `limit`: at most so many groups.
pub fn read(fields: impl IntoIterator<Item = (String, String)>, now_ms: i64) -> Result<UsageQuery> {
    let mut query = UsageQuery { limit: Some(GROUPS.0), ..UsageQuery::default() };
    for (name, value) in fields {
        let value = if name == "utc_offset" { value.as_str() } else { value.trim() };
        if value.is_empty() {
            continue;
        }
        match name.as_str() {
            "from" => query.from_ms = Some(hour(time::read("from", value, now_ms, Toward::Past)?)),
            "to" => query.to_ms = Some(time::read("to", value, now_ms, Toward::Past)?),
            "by" => query.by.extend(values(value).map(dimension).collect::<Result<Vec<_>>>()?),
            "period" => query.period = Some(period(value)?),
            "utc_offset" => query.offset_minutes = offset(value)?,
            "sort" => query.largest = Some(measure(value)?),
            "limit" => query.limit = Some(limit(value)?),
            name => match Dimension::ALL.into_iter().find(|one| one.as_str() == name) {
                Some(dimension) => query.only.push((dimension, values(value).map(str::to_owned).collect())),
                None => {
                    let shown: String = name.chars().take(60).collect();
                    let message = format!("There is no parameter '{shown}' here; GET /openapi.json lists them.");
                    return Err(Error::invalid(shown, message));
                }
            },
        }
    }
    let mut seen = Vec::new();
    query.by.retain(|dimension| {
        !seen.contains(dimension) && {
            seen.push(*dimension);
            true
        }
    });
    Ok(query)
}

/// The beginning of the hour.
fn hour(time_ms: i64) -> i64 {
    time_ms.div_euclid(HOUR_MS).saturating_mul(HOUR_MS)
}

fn values(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

fn dimension(word: &str) -> Result<Dimension> {
    let words = Dimension::ALL.map(Dimension::as_str);
    Dimension::ALL.into_iter().find(|one| one.as_str() == word).ok_or_else(|| one_of("by", word, &words))
}

fn period(word: &str) -> Result<Period> {
    match word {
        "hour" => Ok(Period::Hour),
        "day" => Ok(Period::Day),
        "month" => Ok(Period::Month),
        other => Err(one_of("period", other, &["hour", "day", "month"])),
    }
}

fn period_word(period: Period) -> &'static str {
    match period {
        Period::Hour => "hour",
        Period::Day => "day",
        Period::Month => "month",
    }
}

const MEASURES: [(&str, Measure); 9] = [
    ("calls", Measure::Calls),
    ("errors", Measure::Errors),
    ("refusals", Measure::Refusals),
    ("cache_hits", Measure::CacheHits),
    ("tokens", Measure::Tokens),
    ("prompt_tokens", Measure::PromptTokens),
    ("completion_tokens", Measure::CompletionTokens),
    ("total_ms", Measure::TotalMs),
    ("charge", Measure::Charge),
];

fn measure(word: &str) -> Result<Measure> {
    let found = MEASURES.iter().find(|(name, _)| *name == word).map(|(_, measure)| *measure);
    found.ok_or_else(|| one_of("sort", word, &MEASURES.map(|(name, _)| name)))
}

fn offset(text: &str) -> Result<i32> {
    let minutes = offset_minutes(text).and_then(|minutes| i32::try_from(minutes).ok());
    minutes.ok_or_else(|| Error::invalid("utc_offset", "'utc_offset' is an offset from UTC like +08:00, or Z."))
}

fn limit(text: &str) -> Result<usize> {
    match text.parse() {
        Ok(limit) if (1..=GROUPS.1).contains(&limit) => Ok(limit),
        _ => Err(Error::invalid("limit", format!("'limit' must be 1 to {}.", GROUPS.1))),
    }
}

/// The answer: the question as it was understood, and one object for each group, with its dimensions, sums and
/// what follows from them. Money is in the installation's currency.
pub fn write(query: &UsageQuery, groups: &[UsageGroup]) -> Value {
    json!({
        "object": "usage",
        "from_ms": query.from_ms,
        "to_ms": query.to_ms,
        "by": query.by,
        "period": query.period.map(period_word),
        "data": groups.iter().map(|group| object(query, group)).collect::<Vec<_>>(),
    })
}

fn object(query: &UsageQuery, group: &UsageGroup) -> Value {
    let mut object = Map::new();
    if let Some(start) = group.start_ms {
        object.insert("start_ms".to_owned(), start.into());
        object.insert("start".to_owned(), time::write(start, i64::from(query.offset_minutes)).into());
    }
    for (dimension, value) in query.by.iter().zip(&group.values) {
        object.insert(dimension.as_str().to_owned(), value.as_str().into());
    }
    let counts = &group.counts;
    for (name, count) in UsageCounts::NAMES.into_iter().zip(counts.plain()) {
        object.insert(name.to_owned(), count.into());
    }
    let mean = |sum: u64, of: u64| (of > 0).then(|| rounded(sum as f64 / of as f64));
    let within = |share| counts.percentile(share).map(rounded);
    let derived = [
        ("total_tokens", json!(counts.prompt_tokens.saturating_add(counts.completion_tokens))),
        ("charge", json!(counts.charge.to_f64())),
        ("mean_ms", json!(mean(counts.total_ms, counts.calls))),
        ("mean_first_token_ms", json!(mean(counts.first_token_ms, counts.first_token_calls))),
        ("p50_ms", json!(within(0.5))),
        ("p95_ms", json!(within(0.95))),
        ("p99_ms", json!(within(0.99))),
    ];
    object.extend(derived.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(object)
}

fn rounded(ms: f64) -> f64 {
    (ms * 10.0).round() / 10.0
}

#[cfg(test)]
#[path = "usage_query_tests.rs"]
mod tests;
