//! `yizhan usage`.
//!
//! It does not know how usage is counted.

use crate::cli::{Global, Usage};
use crate::desk::Desk;
use crate::{config, output, table};
use serde_json::Value;
use std::process::ExitCode;
use yizhan_domain::Result;

pub(super) async fn run(global: &Global, command: Usage) -> Result<ExitCode> {
    let by: Vec<&str> = command.by.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
    let fields = [
        ("from", Some(command.from.clone().unwrap_or_else(|| command.last.clone()))),
        ("to", command.to.clone()),
        ("by", Some(by.join(","))),
        ("period", command.period.clone()),
        // Days begin where budgets' days do.
        ("utc_offset", Some(String::from(config::load(global)?.limits.utc_offset))),
        ("tenant", command.tenant.clone()),
        ("model", command.model.clone()),
        ("sort", command.sort.clone()),
        ("limit", command.limit.map(|limit| limit.to_string())),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let answer = Desk::open(global).await?.usage(fields).await?;
    if global.json {
        output::json(&answer);
    } else {
        print(&by, command.period.as_deref(), &answer);
    }
    Ok(ExitCode::SUCCESS)
}

/// Names of numbers, and the head of their columns.
const NUMBERS: [(&str, &str); 9] = [
    ("calls", "CALLS"),
    ("errors", "ERRORS"),
    ("refusals", "REFUSED"),
    ("prompt_tokens", "PROMPT"),
    ("completion_tokens", "ANSWER"),
    ("cache_hits", "CACHED"),
    ("charge", "MONEY"),
    ("p50_ms", "P50 MS"),
    ("p95_ms", "P95 MS"),
];

fn print(by: &[&str], period: Option<&str>, answer: &Value) {
    let groups = answer["data"].as_array().map_or(&[][..], Vec::as_slice);
    if groups.is_empty() {
        return output::line("No calls in this time.");
    }
    let mut names: Vec<(String, String)> =
        period.map(|period| ("start".to_owned(), period.to_uppercase())).into_iter().collect();
    names.extend(by.iter().map(|word| ((*word).to_owned(), word.to_uppercase())));
    let texts = names.len();
    names.extend(NUMBERS.map(|(name, head)| (name.to_owned(), head.to_owned())));
    let head: Vec<&str> = names.iter().map(|(_, head)| head.as_str()).collect();
    let row = |group: &Value| names.iter().map(|(name, _)| cell(&group[name])).collect();
    let rows: Vec<table::Row> = groups.iter().map(row).collect();
    table::print(&head, &rows, texts);
    let unpriced: u64 = groups.iter().filter_map(|group| group["unpriced"].as_u64()).sum();
    if unpriced > 0 {
        output::note(format!("{unpriced} calls went to models without a price: their money is not in the sums."));
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
