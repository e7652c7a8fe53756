//! `yizhan ingest`: files and folders into a knowledge base.
//!
//! Every file is kept and submitted first; then the queue is worked off. An interrupted run goes
//! on with the next one, of any command that holds the data folder. It does not know formats.

use super::attribute;
use super::base::{document_line, print_document};
use crate::assembly::Assembly;
use crate::cli::{Global, Ingest};
use crate::output::{self, DocumentLine};
use crate::station::{Station, default_settings, tenant};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yizhan_domain::{DocumentId, Error, ErrorCode, Result};
use yizhan_knowledge::Ingestor;
use yizhan_store::{Base, DocumentState, DocumentStore, Submitted};

/// Some documents could not be used.
const SOME_FAILED: u8 = 2;
/// Documents that are parsed and embedded at once.
const AT_ONCE: usize = 2;
/// How long an idle worker waits before it looks again for a retry that is due.
const RETRY_LOOK: Duration = Duration::from_millis(100);
/// A file larger than this is refused before it is read.
const LARGEST: u64 = 512 << 20;

pub(super) async fn run(global: &Global, command: Ingest) -> Result<ExitCode> {
    let attributes: Map<String, Value> = command.tags.iter().map(|tag| attribute(tag)).collect::<Result<_>>()?;
    let files = files(&command.paths)?;
    if files.is_empty() {
        return Err(Error::invalid("PATH", "There is no file under the given paths (hidden ones are passed over)."));
    }
    let shown = Shown::new(files.len() as u64, global.json);
    let failed = match Station::open(global).await? {
        Station::Here(assembly) => here(&assembly, &command.base, &files, &attributes, &shown).await?,
        Station::There(client) => {
            let mut failed = 0;
            for path in &files {
                let document = client.ingest(&command.base, path, &source(path), &attributes)?;
                let line = DocumentLine {
                    document: document.name,
                    state: document.state,
                    reason: document.reason,
                    chunks: document.chunks,
                };
                failed += usize::from(line.state == DocumentState::Failed);
                shown.document(&line);
            }
            failed
        }
    };
    shown.finish(failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(SOME_FAILED) })
}

async fn here(
    assembly: &Assembly,
    base: &str,
    files: &[PathBuf],
    attributes: &Map<String, Value>,
    shown: &Shown,
) -> Result<usize> {
    let base = match assembly.store.base(&tenant(), base).await? {
        Some(base) => base,
        None => assembly.store.create_base(&tenant(), base, default_settings()).await?,
    };
    // A missing model would fail every document one by one.
    assembly.knowledge.embed_model(&base)?;
    let mut waiting: HashSet<DocumentId> = HashSet::new();
    let mut failed = 0;
    for path in files {
        match submit(assembly, &base, path, attributes).await {
            Ok(Submitted { document, unchanged: true }) if document.state == DocumentState::Ready => {
                shown.document(&document_line(document));
            }
            Ok(submitted) => {
                waiting.insert(submitted.document.id);
            }
            Err(error) => {
                failed += 1;
                shown.document(&DocumentLine {
                    document: path.display().to_string(),
                    state: DocumentState::Failed,
                    reason: Some(error.message().to_owned()),
                    chunks: 0,
                });
            }
        }
    }
    failed += work_off(assembly, &base, waiting, shown).await?;
    assembly.knowledge.flush().await?;
    Ok(failed)
}

async fn submit(assembly: &Assembly, base: &Base, path: &Path, attributes: &Map<String, Value>) -> Result<Submitted> {
    let unreadable = |cause| Error::io("The file cannot be read", cause);
    let length = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
    if length > LARGEST {
        let message = format!("The file has {}; at most {} are taken.", output::bytes(length), output::bytes(LARGEST));
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    let bytes = tokio::fs::read(path).await.map_err(unreadable)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    assembly.knowledge.add_document(base, &source(path), &name, bytes, attributes.clone()).await
}

/// What makes a file the same document when it is added again: where it is.
fn source(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Works on the base's queue until none of the documents waits any more. Counts the failed ones.
async fn work_off(assembly: &Assembly, base: &Base, mut waiting: HashSet<DocumentId>, shown: &Shown) -> Result<usize> {
    let bar = shown.bar.clone();
    let progress = move |name: &str, done: usize, total: usize| {
        if let Some(bar) = &bar {
            bar.set_message(format!("{name}: {done} of {total} chunks"));
        }
    };
    let ingestor = Ingestor::new(Arc::clone(&assembly.knowledge)).with_progress(Arc::new(progress));
    let mut failed = 0;
    let mut steps: FuturesUnordered<_> = (0..AT_ONCE).map(|_| ingestor.step(Some(&base.id))).collect();
    while let Some(outcome) = steps.next().await {
        // After a step only its document can have changed. Without one, nothing could be claimed: another step works
        // on the last document, or a retry is not due yet, and whatever still waits is looked at.
        let looked_at: Vec<DocumentId> = match &outcome? {
            Some(outcome) => vec![outcome.id],
            None => {
                tokio::time::sleep(RETRY_LOOK).await;
                waiting.iter().copied().collect()
            }
        };
        for id in looked_at.into_iter().filter(|id| waiting.contains(id)).collect::<Vec<_>>() {
            let document = assembly.store.document(id).await?;
            match document {
                Some(document) if matches!(document.state, DocumentState::Ready | DocumentState::Failed) => {
                    failed += usize::from(document.state == DocumentState::Failed);
                    shown.document(&document_line(document));
                }
                Some(_) => continue,
                None => {}
            }
            waiting.remove(&id);
        }
        if !waiting.is_empty() {
            steps.push(ingestor.step(Some(&base.id)));
        }
    }
    Ok(failed)
}

/// All files under the paths, in order; hidden ones only when named themselves.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path)
            .map_err(|cause| Error::invalid("PATH", format!("{} cannot be read: {cause}", path.display())))?;
        if metadata.is_dir() {
            walk(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    let mut seen = HashSet::new();
    files.retain(|path| seen.insert(source(path)));
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable =
        |cause: std::io::Error| Error::io(format!("The folder {} cannot be read", folder.display()), cause);
    let entries: std::io::Result<Vec<_>> = std::fs::read_dir(folder).map_err(unreadable)?.collect();
    let mut entries = entries.map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // Links to folders are not followed: they may lead in circles.
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if entry.path().is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// A bar for a person, one line per document for programs and pipes.
struct Shown {
    bar: Option<ProgressBar>,
    json: bool,
    total: u64,
    start: Instant,
}

impl Shown {
    fn new(total: u64, json: bool) -> Self {
        let bar = (output::interactive() && !json).then(|| {
            let template = "{wide_bar} {pos}/{len} documents {elapsed} ETA {eta}\n{wide_msg}";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total).with_style(style)
        });
        if let Some(bar) = &bar {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar, json, total, start: Instant::now() }
    }

    fn document(&self, line: &DocumentLine) {
        match &self.bar {
            Some(bar) => {
                bar.suspend(|| print_document(line, self.json));
                bar.inc(1);
            }
            None => print_document(line, self.json),
        }
    }

    fn finish(&self, failed: usize) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if !self.json {
            let seconds = self.start.elapsed().as_secs_f32();
            let total = self.total;
            output::note(format!("{total} documents, {failed} failed, {seconds:.1} s"));
        }
    }
}
