//! `yizhan review …`.
//!
//! It does not know how reviews are kept, or what follows from a decision.

use super::tenant::text;
use crate::cli::{Global, Review, ReviewList};
use crate::desk::Desk;
use crate::{output, table};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use yizhan_domain::{Error, Result, TenantId};
use yizhan_server::admin::time;

/// Characters of a text that a line of the list has.
const SHOWN: usize = 40;

pub(super) async fn run(global: &Global, command: Review) -> Result<ExitCode> {
    let (id, of, verdict, body) = match command {
        Review::List(query) => return list(global, query).await,
        Review::Show { id, of } => {
            let review = Desk::open(global).await?.review(&TenantId::new(of.tenant), &id).await?;
            show(&review, global.json);
            return Ok(ExitCode::SUCCESS);
        }
        Review::Approve { id, note, of } => (id, of, "approve", json!({"note": note.note})),
        Review::Reject { id, note, of } => (id, of, "reject", json!({"note": note.note})),
        Review::Edit { id, text, file, note, of } => {
            let text = match (text, file) {
                (Some(text), _) => text,
                (None, Some(file)) => read(&file)?,
                (None, None) => String::new(),
            };
            (id, of, "edit", json!({"text": text, "note": note.note}))
        }
    };
    let decided = Desk::open(global).await?.decide_review(&TenantId::new(of.tenant), &id, verdict, body).await?;
    if global.json {
        output::json(&decided);
    } else {
        output::line(format!(
            "{}: {} until {}",
            text(&decided, "id"),
            text(&decided, "state"),
            at(&decided, "expires_ms")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<String> {
    let read =
        if file == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let text = read.map_err(|cause| Error::io(format!("{} cannot be read", file.display()), cause))?;
    Ok(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))
}

async fn list(global: &Global, query: ReviewList) -> Result<ExitCode> {
    let ReviewList { state, side, model, key, after, limit, of } = query;
    let state = (state != "all").then_some(state);
    let mut fields = vec![("order".to_owned(), "asc".to_owned()), ("limit".to_owned(), limit.to_string())];
    let named = [("state", state), ("side", side), ("model", model), ("key", key), ("after", after)];
    fields.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let (reviews, has_more) = Desk::open(global).await?.reviews(&TenantId::new(of.tenant), &fields).await?;
    if global.json {
        output::json(&reviews);
        return Ok(ExitCode::SUCCESS);
    }
    if reviews.is_empty() {
        output::line("None; `--state all` lists those that were decided on too.");
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<table::Row> = reviews.iter().map(row).collect();
    table::print(&["ID", "STATE", "SIDE", "SINCE", "UNTIL", "KEY", "MODEL", "RULES", "TEXT"], &rows, usize::MAX);
    if let Some(last) = reviews.last().filter(|_| has_more) {
        output::note(format!("There are more: `--after {}` goes on.", text(last, "id")));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(review: &Value) -> table::Row {
    let mut shown: String = output::one_line(&text(review, "text")).chars().take(SHOWN + 1).collect();
    if shown.chars().count() > SHOWN {
        shown = shown.chars().take(SHOWN - 1).chain(['…']).collect();
    }
    vec![
        text(review, "id"),
        if review["used_ms"].is_null() { text(review, "state") } else { format!("{}, used", text(review, "state")) },
        text(review, "side"),
        at(review, "created_ms"),
        at(review, "expires_ms"),
        text(review, "key"),
        text(review, "model"),
        rules(review),
        shown,
    ]
}

fn rules(review: &Value) -> String {
    let rules = review["rules"].as_array().into_iter().flatten().filter_map(Value::as_str);
    rules.collect::<Vec<_>>().join(",")
}

fn at(review: &Value, name: &str) -> String {
    review[name].as_i64().map(|at| time::write(at, 0)).unwrap_or_default()
}

fn show(review: &Value, as_json: bool) {
    if as_json {
        return output::json(review);
    }
    let who = ["tenant", "project", "user", "key"].map(|name| text(review, name));
    let who: Vec<String> = who.into_iter().filter(|id| !id.is_empty()).collect();
    output::line(format!("review {}: {} ({})", text(review, "id"), text(review, "state"), text(review, "side")));
    let complete = if review["complete"] == false { "no: the answer broke off" } else { "" };
    let lines = [
        ("by", who.join("/")),
        ("call", text(review, "call")),
        ("model", text(review, "model")),
        ("rules", rules(review)),
        ("said", text(review, "message")),
        ("since", at(review, "created_ms")),
        ("until", at(review, "expires_ms")),
        ("whole", complete.to_owned()),
        ("decided", decided(review)),
        ("used", used(review)),
        ("note", text(review, "note")),
    ];
    for (label, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        output::line(format!("  {:<9}{value}", format!("{label}:")));
    }
    for message in review["request"]["messages"].as_array().into_iter().flatten() {
        block(&text(message, "role"), &content(&message["content"]));
    }
    if review["side"] == "output" {
        block("answer", &text(review, "text"));
    }
    block("in its place", &text(review, "edited"));
}

fn decided(review: &Value) -> String {
    match text(review, "decided_by") {
        by if by.is_empty() => by,
        by => format!("by {} at {}", [by, text(review, "decided_user")].join(" ").trim_end(), at(review, "decided_ms")),
    }
}

/// The call that the approval let pass, or lets.
fn used(review: &Value) -> String {
    match (text(review, "used_by"), at(review, "used_ms")) {
        (by, _) if by.is_empty() => by,
        (by, at) if at.is_empty() => format!("by {by}, which goes on"),
        (by, at) => format!("by {by} at {at}"),
    }
}

/// All text of a message; images and the like by their kind.
fn content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let part = |part: &Value| match part["text"].as_str() {
                Some(text) => text.to_owned(),
                None => format!("[{}]", text(part, "type")),
            };
            parts.iter().map(part).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn block(label: &str, text: &str) {
    if !text.is_empty() {
        output::line(format!("\n--- {label}\n{text}"));
    }
}
