//! `yizhan eval retrieval`: how well this very program finds the right passage.
//!
//! Each passage becomes a document of a knowledge base in a temporary data folder, through the
//! same ingestion as any file; each question is searched as any query. A passage ranks where its
//! best chunk does. It does not know the metrics.

use crate::assembly::Assembly;
use crate::cli::{Eval, EvalMode, EvalRetrieval, Global};
use crate::data::{Holder, hold};
use crate::output;
use crate::station::{base_settings, tenant};
use indicatif::ProgressBar;
use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use yizhan_domain::{DocumentId, Error, Result};
use yizhan_evaluation::{Metric, Mode, Ranking, Report, RetrievalSet};
use yizhan_knowledge::{Ingestor, SearchMode, SearchOptions};
use yizhan_store::{Base, DocumentState, DocumentStore};

/// The metrics need ten passages; a passage may have several chunks among the best.
const CHUNKS: usize = 100;
const PASSAGES: usize = 10;
/// Passages are parsed and embedded this many at once.
const AT_ONCE: usize = 4;

pub(super) async fn run(global: &Global, command: Eval) -> Result<ExitCode> {
    let Eval::Retrieval(command) = command;
    let set = read(&command)?;
    let folder = tempfile::Builder::new()
        .prefix("yizhan-eval-")
        .tempdir()
        .map_err(|cause| Error::io("A temporary data folder cannot be made", cause))?;
    let Holder::Us(lock) = hold(folder.path())? else {
        return Err(Error::internal("a new temporary folder is held by a server"));
    };
    let assembly = Assembly::open(global, folder.path(), lock).await?;
    let settings = base_settings(&command.settings)?;
    let modes: &[SearchMode] = match (command.base_mode, &settings.embedding) {
        (EvalMode::Bm25, _) | (EvalMode::All, None) => &[SearchMode::Bm25],
        // Words alone under another name would be a false figure.
        (EvalMode::Dense | EvalMode::Hybrid, None) => {
            let message = "Without an embedding model only bm25 can be measured: leave out '--embedding none'.";
            return Err(Error::invalid("--base-mode", message));
        }
        (EvalMode::Dense, _) => &[SearchMode::Dense],
        (EvalMode::Hybrid, _) => &[SearchMode::Hybrid],
        (EvalMode::All, _) => &[SearchMode::Bm25, SearchMode::Dense, SearchMode::Hybrid],
    };
    let base = assembly.store.create_base(&tenant(), "eval", settings).await?;
    let positions = ingest(&assembly, &base, &set).await?;
    let mut report = Report { passages: set.passages.len(), questions: set.questions.len(), modes: Vec::new() };
    for mode in modes {
        report.modes.push(ask(&assembly, &base, &set, &positions, *mode).await?);
    }
    if global.json {
        output::json(&report.to_json());
    } else {
        output::line(report.to_table());
    }
    Ok(ExitCode::SUCCESS)
}

fn read(command: &EvalRetrieval) -> Result<RetrievalSet> {
    let path = command.squad.display().to_string();
    let text = std::fs::read_to_string(&command.squad)
        .map_err(|cause| Error::invalid("--squad", format!("{path} cannot be read: {cause}")))?;
    let set = RetrievalSet::from_squad(&text).map_err(|error| error.context(&path))?;
    let set = match command.limit {
        Some(limit) => set.limit_questions(limit),
        None => set,
    };
    if set.questions.is_empty() {
        return Err(Error::invalid("--squad", format!("{path} has no question that a passage answers.")));
    }
    Ok(set)
}

/// Makes a document of each passage. Returns which passage a document is.
async fn ingest(assembly: &Assembly, base: &Base, set: &RetrievalSet) -> Result<HashMap<DocumentId, usize>> {
    let mut positions = HashMap::new();
    for (position, passage) in set.passages.iter().enumerate() {
        let name = format!("{position}.txt");
        let bytes = passage.text.clone().into_bytes();
        let submitted = assembly.knowledge.add_document(base, &name, &name, bytes, Default::default()).await?;
        positions.insert(submitted.document.id, position);
    }
    let bar = bar(set.passages.len(), "passages indexed");
    let workers = (0..AT_ONCE).map(|_| {
        let (ingestor, bar) = (Ingestor::new(Arc::clone(&assembly.knowledge)), bar.clone());
        async move {
            while let Some(outcome) = ingestor.step(Some(&base.id)).await? {
                if outcome.state != DocumentState::Ready {
                    let reason = outcome.reason.unwrap_or_default();
                    return Err(Error::internal(format!(
                        "passage {} could not be indexed: {reason}",
                        outcome.document
                    )));
                }
                bar.inc(1);
            }
            Ok(())
        }
    });
    futures_util::future::try_join_all(workers).await?;
    bar.finish_and_clear();
    Ok(positions)
}

async fn ask(
    assembly: &Assembly,
    base: &Base,
    set: &RetrievalSet,
    positions: &HashMap<DocumentId, usize>,
    mode: SearchMode,
) -> Result<Mode> {
    let name = match mode {
        SearchMode::Bm25 => "bm25",
        SearchMode::Dense => "dense",
        SearchMode::Hybrid => "hybrid",
    };
    let options = SearchOptions { mode, top: CHUNKS, ..SearchOptions::default() };
    let (mut rankings, mut times) = (Vec::new(), Vec::new());
    let bar = bar(set.questions.len(), name);
    for question in &set.questions {
        let start = Instant::now();
        let found = assembly.knowledge.search(base, &question.text, &options).await?;
        times.push(start.elapsed());
        let mut ranked: Vec<usize> = Vec::new();
        for position in found.iter().filter_map(|one| positions.get(&one.chunk.document)) {
            if !ranked.contains(position) {
                ranked.push(*position);
            }
        }
        ranked.truncate(PASSAGES);
        rankings.push(Ranking::new(&ranked, &question.relevant));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(Mode::new(name, Metric::RETRIEVAL, &rankings, &times))
}

/// A bar where a person watches.
fn bar(total: usize, what: &str) -> ProgressBar {
    if !output::interactive() {
        output::note(format!("{total} {what}"));
        return ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg} {per_sec} ETA {eta}");
    let bar = ProgressBar::new(total as u64).with_message(what.to_owned());
    bar.set_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()));
    bar
}
