//! Records for people and other programs: JSON lines or a table.
//!
//! It does not know where the output goes.

use crate::key::Key;
use crate::read::{Entries, Stored};
use crate::record::{Kind, Record};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;
use yizhan_domain::{Error, Result};

/// Which records. Everything that is set must be so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// From this number on.
    pub from_sequence: Option<u64>,
    /// Up to this number.
    pub to_sequence: Option<u64>,
    /// Begun at this time or later, milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Begun before this time.
    pub to_ms: Option<i64>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of this call.
    pub call: Option<String>,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Of this project.
    pub project: Option<String>,
    /// Of this user.
    pub user: Option<String>,
    /// With this key's id.
    pub key: Option<String>,
    /// To this application.
    pub app: Option<String>,
    /// That asked for this model.
    pub model: Option<String>,
    /// That ended so: `ok`, `refused`, `blocked`, `held`, `cancelled`, `cut_off`, `failed`.
    pub outcome: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
}

impl Filter {
    /// Is it one of them? The limit is not looked at.
    pub fn matches(&self, stored: &Stored) -> bool {
        let Stored { sequence, record, .. } = stored;
        let same = |wanted: &Option<String>, has: Option<&str>| wanted.as_deref().is_none_or(|w| has == Some(w));
        self.from_sequence.is_none_or(|from| *sequence >= from)
            && self.to_sequence.is_none_or(|to| *sequence <= to)
            && self.from_ms.is_none_or(|from| record.time_ms >= from)
            && self.to_ms.is_none_or(|to| record.time_ms < to)
            && self.kind.is_none_or(|kind| record.kind == kind)
            && same(&self.call, Some(record.call.as_str()))
            && same(&self.tenant, record.tenant.as_ref().map(|id| id.as_str()))
            && same(&self.project, record.project.as_ref().map(|id| id.as_str()))
            && same(&self.user, record.user.as_ref().map(|id| id.as_str()))
            && same(&self.key, record.key.as_ref().map(|id| id.as_str()))
            && same(&self.app, record.app.as_deref())
            && same(&self.model, record.model.as_ref().map(|name| name.as_str()))
            && same(&self.outcome, Some(record.outcome.word()))
    }
}

/// How records are written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a line, complete: `{"sequence":…,"hash":"…","record":{…}}`.
    #[default]
    Jsonl,
    /// A table of the fields that tables are made for, with a first line of names.
    Csv,
}

/// Writes the records that match, in order, and returns how many. Payloads are added to JSON lines when
/// asked for and still kept.
///
/// `Io` when the log was tampered with before the last of them, or the output fails.
pub fn export(
    folder: &Path,
    key: &Key,
    filter: &Filter,
    format: Format,
    payloads: bool,
    output: &mut dyn Write,
) -> Result<u64> {
    let fail = |cause: std::io::Error| Error::io("Writing the exported records", cause);
    let mut entries = Entries::open(folder, key, filter.from_sequence.unwrap_or(1))?;
    if let Some(from_ms) = filter.from_ms {
        entries = entries.since(from_ms)?;
    }
    if payloads {
        entries = entries.with_payloads();
    }
    if format == Format::Csv {
        writeln!(output, "{}", COLUMNS.map(|(name, _)| name).join(",")).map_err(fail)?;
    }
    let mut count = 0;
    while filter.limit.is_none_or(|limit| count < limit)
        && let Some(stored) = entries.next()?
    {
        if filter.to_sequence.is_some_and(|to| stored.sequence > to) {
            break;
        }
        if filter.matches(&stored) {
            count += 1;
            match format {
                Format::Jsonl => json_line(&stored, output),
                Format::Csv => csv_line(&stored, output),
            }
            .map_err(fail)?;
        }
    }
    output.flush().map_err(fail)?;
    Ok(count)
}

fn json_line(stored: &Stored, output: &mut dyn Write) -> std::io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        stored: &'a Stored,
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: &'a Option<crate::Payload>,
    }
    serde_json::to_writer(&mut *output, &Line { stored, payload: &stored.record.payload })?;
    output.write_all(b"\n")
}

type Column = (&'static str, fn(&Stored, &Record) -> String);

fn text<T: AsRef<str>>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.as_ref().to_owned())
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

const COLUMNS: [Column; 35] = [
    ("sequence", |stored, _| stored.sequence.to_string()),
    ("call", |_, record| record.call.to_string()),
    ("time_ms", |_, record| record.time_ms.to_string()),
    ("kind", |_, record| {
        serde_json::to_value(record.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default()
    }),
    ("tenant", |_, record| shown(record.tenant.as_ref())),
    ("project", |_, record| shown(record.project.as_ref())),
    ("user", |_, record| shown(record.user.as_ref())),
    ("key", |_, record| shown(record.key.as_ref())),
    ("app", |_, record| text(record.app.as_ref())),
    ("model", |_, record| shown(record.model.as_ref())),
    ("provider", |_, record| text(record.served.as_ref().map(|served| &served.provider))),
    ("served_model", |_, record| text(record.served.as_ref().map(|served| &served.model))),
    ("route", |_, record| text(record.route.as_ref())),
    ("attempts", |_, record| record.attempts.len().to_string()),
    ("outcome", |_, record| record.outcome.word().to_owned()),
    ("detail", |_, record| text(record.outcome.detail())),
    ("status", |_, record| record.status.to_string()),
    ("streamed", |_, record| record.streamed.to_string()),
    ("total_ms", |_, record| record.total_ms.to_string()),
    ("first_token_ms", |_, record| shown(record.first_token_ms)),
    ("prompt_tokens", |_, record| record.usage.prompt_tokens.to_string()),
    ("cached_tokens", |_, record| record.usage.cached_tokens.to_string()),
    ("cache_write_tokens", |_, record| record.usage.cache_write_tokens.to_string()),
    ("completion_tokens", |_, record| record.usage.completion_tokens.to_string()),
    ("reasoning_tokens", |_, record| record.usage.reasoning_tokens.to_string()),
    ("charge", |_, record| shown(record.charge.as_ref().map(|charge| charge.amount))),
    ("price_version", |_, record| text(record.charge.as_ref().map(|charge| &charge.version))),
    ("cache", |_, record| record.cache.word().to_owned()),
    ("fallback", |_, record| record.fallback.to_string()),
    ("findings", |_, record| {
        let words = record.findings.iter().map(|finding| format!("{}:{}", finding.rule, finding.action));
        words.collect::<Vec<_>>().join(" ")
    }),
    ("address", |_, record| text(record.address.as_ref())),
    ("user_agent", |_, record| text(record.user_agent.as_ref())),
    ("request_sha256", |_, record| shown(record.request_sha256)),
    ("response_sha256", |_, record| shown(record.response_sha256)),
    ("hash", |stored, _| stored.hash.to_string()),
];

fn csv_line(stored: &Stored, output: &mut dyn Write) -> std::io::Result<()> {
    let cells = COLUMNS.map(|(_, cell)| csv_cell(&cell(stored, &stored.record)));
    writeln!(output, "{}", cells.join(","))
}

/// A cell as RFC 4180 writes it. What a spreadsheet would run as a formula gets an apostrophe before it:
/// callers choose some of these texts.
fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
