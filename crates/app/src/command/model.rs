//! `yizhan model …`: the catalogue and the cache. Needs no data folder.
//!
//! It does not know how models are fetched or run.

use crate::cli::{Global, Model};
use crate::data::cache_folder;
use crate::models::{Convert, cache};
use crate::output::{self, bytes};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use yizhan_catalog::{Artefact, Cache, Observer, Progress};
use yizhan_domain::Result;

/// `stop` ends a pull; what was fetched is kept for the next one.
pub(super) fn run(global: &Global, command: Model, stop: &AtomicBool) -> Result<ExitCode> {
    let folder = cache_folder(global);
    match command {
        Model::List => list(&cache(&folder, None)?, global.json),
        Model::Show { name } => show(&cache(&folder, None)?, &name, global.json),
        Model::Rm { name } => {
            cache(&folder, None)?.remove(&name)?;
            Ok(ExitCode::SUCCESS)
        }
        Model::Pull { names, hub } => {
            let cache = cache(&folder, hub.as_deref())?;
            for name in &names {
                pull(&cache, name, global.json, stop)?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn describe(cache: &Cache, artefact: &Artefact) -> serde_json::Value {
    json!({
        "name": artefact.name,
        "kind": artefact.kind,
        "installed": cache.find(&artefact.name).is_some(),
        "bytes": artefact.size_here(),
        "licence": artefact.licence,
        "languages": artefact.languages,
        "context": artefact.context,
        "dimensions": artefact.dimensions,
        "verified": artefact.verified,
        "description": artefact.description,
    })
}

fn list(cache: &Cache, as_json: bool) -> Result<ExitCode> {
    let artefacts = cache.catalog().list();
    if as_json {
        output::json(&artefacts.iter().map(|artefact| describe(cache, artefact)).collect::<Vec<_>>());
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!("{:<30} {:<8} {:<10} {:>9}  {:<11} DESCRIPTION", "NAME", "KIND", "STATE", "SIZE", "LICENCE"));
    for artefact in artefacts {
        let state = if cache.find(&artefact.name).is_some() { "installed" } else { "-" };
        let size = artefact.size_here().map(bytes).unwrap_or_else(|| "?".into());
        output::line(format!(
            "{:<30} {:<8} {:<10} {:>9}  {:<11} {}",
            artefact.name,
            artefact.kind.as_str(),
            state,
            size,
            artefact.licence,
            artefact.description.en
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(cache: &Cache, name: &str, as_json: bool) -> Result<ExitCode> {
    let artefact = cache.catalog().require(name)?;
    let mut described = describe(cache, artefact);
    if let Some(installed) = cache.find(name) {
        described["manifest"] = serde_json::to_value(&installed.manifest).unwrap_or_default();
        described["folder"] = installed.folder.display().to_string().into();
    }
    if as_json {
        output::json(&described);
    } else if let Some(fields) = described.as_object() {
        for (key, value) in fields {
            match value.as_str() {
                Some(text) => output::line(format!("{key}: {text}")),
                None => output::line(format!("{key}: {value}")),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn pull(cache: &Cache, name: &str, as_json: bool, stop: &AtomicBool) -> Result<()> {
    let artefact = cache.catalog().require(name)?;
    let already = cache.find(name).is_some();
    if !already {
        let size = artefact.size_here().map(bytes).unwrap_or_else(|| "unknown size".into());
        output::note(format!("{name}: {size}, {}", artefact.licence));
    }
    let shown = Shown::new(name, stop);
    let installed = cache.pull(name, &shown, &Convert);
    shown.finish();
    let installed = installed?;
    if as_json {
        output::json(&describe(cache, artefact));
    } else {
        let verb = if already { "is installed" } else { "is installed and verified" };
        output::line(format!("{name} {verb}: {}", installed.folder.display()));
    }
    Ok(())
}

/// A bar for a person, a line every few seconds for a pipe.
struct Shown<'a> {
    stop: &'a AtomicBool,
    name: String,
    bar: Option<ProgressBar>,
    state: Mutex<Lines>,
}

struct Lines {
    stage: String,
    last: Instant,
}

const BETWEEN_LINES: Duration = Duration::from_secs(3);

impl<'a> Shown<'a> {
    fn new(name: &str, stop: &'a AtomicBool) -> Self {
        let bar = output::interactive().then(|| {
            let template = "{prefix:.bold} {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style).with_prefix(name.to_owned())
        });
        Self {
            stop,
            name: name.to_owned(),
            bar,
            state: Mutex::new(Lines { stage: String::new(), last: Instant::now() }),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Shown<'_> {
    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn progress(&self, progress: &Progress<'_>) {
        let stage = progress.stage.to_string();
        if let Some(bar) = &self.bar {
            bar.set_length(progress.total.unwrap_or(0));
            bar.set_position(progress.done);
            bar.set_message(stage);
            return;
        }
        let Ok(mut state) = self.state.lock() else { return };
        if state.stage == stage && state.last.elapsed() < BETWEEN_LINES {
            return;
        }
        let amount = match progress.total {
            Some(total) if total > 0 => format!(" {} of {}", bytes(progress.done), bytes(total)),
            _ => String::new(),
        };
        output::note(format!("{}: {stage}{amount}", self.name));
        *state = Lines { stage, last: Instant::now() };
    }
}
