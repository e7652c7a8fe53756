//! Usage by the hour in the database.
//!
//! It does not know transactions: it works inside the caller's.

use crate::fault::Fault;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use std::collections::BTreeMap;
use std::fmt::Write;
use yizhan_domain::Money;
use yizhan_store::{
    Dimension, HOUR_MS, LATENCY_BOUNDS, Latencies, Period, UsageBatch, UsageCounts, UsageGroup, UsageKey, UsageQuery,
};

const DAY_MS: i64 = 24 * HOUR_MS;
const KEYS: &str = "hour_ms, tenant, project, user, key, app, model, provider";
const BUCKETS: usize = LATENCY_BOUNDS.len() + 1;
const PLAIN: usize = UsageCounts::NAMES.len();

/// Columns of the counts: the plain ones, the money, the buckets.
fn columns() -> Vec<String> {
    let plain = UsageCounts::NAMES.iter().map(|name| (*name).to_owned());
    plain.chain(["charge".to_owned()]).chain((0..BUCKETS).map(|bucket| format!("latency_{bucket:02}"))).collect()
}

fn values(counts: &UsageCounts) -> impl Iterator<Item = i64> {
    // More than 2^63 of anything is told as that many.
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    counts.plain().into_iter().map(whole).chain([counts.charge.0]).chain(counts.latencies.map(whole))
}

pub(crate) fn add(db: &Connection, batch: UsageBatch) -> Result<u64, Fault> {
    let before = position(db, &batch.source)?;
    if before != batch.after {
        return Ok(before);
    }
    db.prepare_cached("INSERT INTO usage_position VALUES (?1, ?2) ON CONFLICT DO UPDATE SET position = ?2")?
        .execute(params![batch.source, batch.through])?;
    let columns = columns();
    let marks = vec!["?"; 8 + columns.len()].join(", ");
    let sums: Vec<String> = columns.iter().map(|name| format!("{name} = {name} + excluded.{name}")).collect();
    let sql = format!(
        "INSERT INTO usage_hour ({KEYS}, {}) VALUES ({marks}) ON CONFLICT DO UPDATE SET {}",
        columns.join(", "),
        sums.join(", ")
    );
    let mut statement = db.prepare_cached(&sql)?;
    for (key, counts) in &batch.rows {
        let texts = Dimension::ALL.map(|dimension| Value::Text(key.of(dimension).to_owned()));
        let row = [Value::Integer(key.hour_ms)].into_iter().chain(texts);
        statement.execute(params_from_iter(row.chain(values(counts).map(Value::Integer))))?;
    }
    Ok(batch.through)
}

pub(crate) fn position(db: &Connection, source: &str) -> Result<u64, Fault> {
    let mut statement = db.prepare_cached("SELECT position FROM usage_position WHERE source = ?")?;
    Ok(statement.query_row([source], |row| row.get(0)).optional()?.unwrap_or(0))
}

pub(crate) fn query(db: &Connection, query: &UsageQuery) -> Result<Vec<UsageGroup>, Fault> {
    let (condition, parameters) = condition(query);
    // Months are made of days below, where the calendar is.
    let start = match query.period {
        None => "0".to_owned(),
        Some(Period::Hour) => "hour_ms".to_owned(),
        Some(Period::Day | Period::Month) => {
            let offset = i64::from(query.offset_minutes) * 60_000;
            format!("(hour_ms + {offset}) / {DAY_MS} * {DAY_MS} - {offset}")
        }
    };
    let by: Vec<&str> = query.by.iter().map(|dimension| dimension.as_str()).collect();
    let by = by.iter().fold(String::new(), |text, name| text + ", " + name);
    let sums = columns().iter().fold(String::new(), |mut text, name| {
        // Writing to a text does not fail.
        let _ = write!(text, ", sum({name})");
        text
    });
    let sql = format!("SELECT {start} AS start{by}{sums} FROM usage_hour WHERE {condition} GROUP BY start{by}");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(parameters))?;
    let mut groups: BTreeMap<(Option<i64>, Vec<String>), UsageCounts> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let key = UsageKey { hour_ms: row.get(0)?, ..UsageKey::default() };
        let names = (0..query.by.len()).map(|at| row.get(1 + at)).collect::<Result<Vec<String>, _>>()?;
        let (start, _) = query.group_of(&key);
        groups.entry((start, names)).or_default().add(&counts(row, 1 + query.by.len())?);
    }
    let groups = groups.into_iter().map(|((start_ms, values), counts)| UsageGroup { start_ms, values, counts });
    Ok(query.arrange(groups.collect()))
}

/// The rows that a query asks for, as SQL and its parameters.
fn condition(query: &UsageQuery) -> (String, Vec<Value>) {
    let mut sql = "hour_ms >= ? AND hour_ms < ?".to_owned();
    // The largest number is beyond every hour, so that it may be left out.
    let mut parameters =
        vec![Value::Integer(query.from_ms.unwrap_or(i64::MIN)), Value::Integer(query.to_ms.unwrap_or(i64::MAX))];
    for (dimension, values) in &query.only {
        let marks = vec!["?"; values.len()].join(", ");
        let _ = write!(sql, " AND {} IN ({marks})", dimension.as_str());
        parameters.extend(values.iter().map(|value| Value::Text(value.clone())));
    }
    (sql, parameters)
}

fn counts(row: &Row<'_>, from: usize) -> rusqlite::Result<UsageCounts> {
    let mut plain = [0; PLAIN];
    for (at, count) in plain.iter_mut().enumerate() {
        *count = row.get(from + at)?;
    }
    let charge = Money(row.get(from + PLAIN)?);
    let mut latencies: Latencies = [0; BUCKETS];
    for (at, count) in latencies.iter_mut().enumerate() {
        *count = row.get(from + PLAIN + 1 + at)?;
    }
    Ok(UsageCounts::from_plain(plain, charge, latencies))
}

pub(crate) fn delete_before(db: &Connection, before_ms: i64) -> Result<u64, Fault> {
    Ok(db.prepare_cached("DELETE FROM usage_hour WHERE hour_ms < ?")?.execute([before_ms])? as u64)
}
