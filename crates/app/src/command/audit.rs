//! `yizhan audit`: verify, read and export the log of calls. Works on the files, whether a server writes
//! them or not.
//!
//! It does not know how the log is chained.

use crate::cli::{Audit, ExportFormat, Global};
use crate::config;
use crate::data::data_folder;
use crate::output;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use yizhan_audit::{Checkpoint, Entries, Filter, Format, Key, Record, Stored, export, verify};
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_server::admin::time;

/// How often a followed log is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// Most characters of an act that are shown.
const MOST_CHARS: usize = 300;

pub(super) async fn run(global: &Global, command: Audit) -> Result<ExitCode> {
    let data = data_folder(global);
    let folder = data.join("audit");
    if !folder.exists() {
        let message = format!("There is no audit log in {}: nothing was called yet.", data.display());
        return Err(Error::new(ErrorCode::NotFound, message));
    }
    let key = Key::load(&config::audit_key(global))?;
    match command {
        Audit::Verify { against } => {
            let against = against.map(|text| text.parse::<Checkpoint>()).transpose()?;
            let report = verify(&folder, &key, against)?;
            if global.json {
                output::json(&report);
            } else {
                match &report.first_bad {
                    None => output::line(format!("{} records, intact.", report.records)),
                    Some(bad) => output::line(format!(
                        "NOT INTACT: segment {}, line {}: {} ({} records before it)",
                        bad.segment, bad.line, bad.reason, report.records
                    )),
                }
                if let Some(last) = &report.last {
                    output::line(format!("Checkpoint, to be kept elsewhere: {last}"));
                }
            }
            Ok(if report.intact { ExitCode::SUCCESS } else { ExitCode::from(2) })
        }
        Audit::Tail { count, follow } => {
            let mut entries = Entries::tail(&folder, &key, count)?;
            loop {
                while let Some(stored) = entries.next()? {
                    show(global, &stored);
                }
                if !follow {
                    return Ok(ExitCode::SUCCESS);
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        Audit::Export { output, format, tenant, from_ms, to_ms, payloads } => {
            let filter = Filter { from_ms, to_ms, tenant, ..Filter::default() };
            let format = match format {
                ExportFormat::Jsonl => Format::Jsonl,
                ExportFormat::Csv => Format::Csv,
            };
            let mut writer = writer(output.as_ref())?;
            let count = export(&folder, &key, &filter, format, payloads, &mut writer)?;
            writer.flush().map_err(|cause| Error::io("The export could not be written", cause))?;
            output::note(format!("{count} records."));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn writer(path: Option<&PathBuf>) -> Result<Box<dyn Write>> {
    Ok(match path {
        None => Box::new(BufWriter::new(std::io::stdout().lock())),
        Some(path) => {
            let file = std::fs::File::create(path)
                .map_err(|cause| Error::io(format!("{} cannot be written", path.display()), cause))?;
            Box::new(BufWriter::new(file))
        }
    })
}

fn show(global: &Global, stored: &Stored) {
    if global.json {
        output::json(stored);
        return;
    }
    let record = &stored.record;
    let detail = record.outcome.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
    let act = act(record).map(|act| format!(" {act}")).unwrap_or_default();
    let served = record.served.as_ref().map(|served| format!(" by {}/{}", served.provider, served.model));
    output::line(format!(
        "{} {} {} {} {}{}{}{}{} {} ms, {}+{} tokens{}",
        stored.sequence,
        time::write(record.time_ms, 0),
        record.tenant.as_ref().map_or("-", |tenant| tenant.as_str()),
        record.model.as_ref().map_or_else(|| format!("{:?}", record.kind).to_lowercase(), ToString::to_string),
        record.outcome.word(),
        detail,
        reviewed(record),
        act,
        served.unwrap_or_default(),
        record.total_ms,
        record.usage.prompt_tokens,
        record.usage.completion_tokens,
        record.charge.as_ref().map(|charge| format!(", {}", charge.amount)).unwrap_or_default(),
    ));
}

/// What was asked of the house itself, and which values were set.
fn act(record: &Record) -> Option<String> {
    let request = record.extra.get("request").filter(|_| record.model.is_none())?.as_str()?;
    let change = record.extra.get("change").map(|change| format!(" {change}")).unwrap_or_default();
    let text = format!("{request}{change}");
    // Callers chose these words: they do not steer the terminal.
    let mut words: String = text.chars().filter(|letter| !letter.is_control()).take(MOST_CHARS).collect();
    if words.len() < text.len() {
        words.push('…');
    }
    Some(words)
}

/// What was decided on a review, or which one let the call pass.
fn reviewed(record: &Record) -> String {
    let text = |name: &str| record.extra.get(name).and_then(|value| value.as_str());
    match (text("decision"), text("review")) {
        (Some(decision), Some(review)) => format!(" {decision} {review}"),
        (None, Some(review)) => format!(" by {review}"),
        _ => String::new(),
    }
}
