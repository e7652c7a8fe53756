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
use yizhan_audit::{Checkpoint, Entries, Filter, Format, Key, Stored, export, verify};
use yizhan_domain::{Error, ErrorCode, Result};

/// How often a followed log is looked at.
const LOOK: Duration = Duration::from_millis(300);

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
    let served = record.served.as_ref().map(|served| format!(" by {}/{}", served.provider, served.model));
    output::line(format!(
        "{} {} {} {} {}{}{} {} ms, {}+{} tokens{}",
        stored.sequence,
        time(record.time_ms),
        record.tenant.as_ref().map_or("-", |tenant| tenant.as_str()),
        record.model.as_ref().map_or_else(|| format!("{:?}", record.kind).to_lowercase(), ToString::to_string),
        record.outcome.word(),
        detail,
        served.unwrap_or_default(),
        record.total_ms,
        record.usage.prompt_tokens,
        record.usage.completion_tokens,
        record.charge.as_ref().map(|charge| format!(", {}", charge.amount)).unwrap_or_default(),
    ));
}

/// `2026-11-22 08:30:05` in UTC. Days to dates after Howard Hinnant's `civil_from_days`.
fn time(ms: i64) -> String {
    let (days, second) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000) / 1000);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
