//! `yizhan base …`.
//!
//! It does not know how bases are kept.

use crate::assembly::Assembly;
use crate::cli::{Base as Command, Global};
use crate::output::{self, BaseSummary, DocumentLine};
use crate::station::{Station, base_settings, need_base, tenant};
use std::process::ExitCode;
use yizhan_domain::Result;
use yizhan_store::{Base, Document, DocumentStore, Page};

pub(super) async fn run(global: &Global, command: Command) -> Result<ExitCode> {
    let station = Station::open(global).await?;
    match command {
        Command::Create { name, settings } => {
            let settings = base_settings(&settings)?;
            let summary = match &station {
                Station::Here(assembly) => {
                    let base = assembly.store.create_base(&tenant(), &name, settings).await?;
                    summarize(assembly, &base).await?
                }
                Station::There(client) => remote::summary(client.create_base(&name, &settings)?),
            };
            print(&summary, global.json);
        }
        Command::List => {
            let mut all = Vec::new();
            match &station {
                Station::Here(assembly) => {
                    for base in assembly.store.bases(&tenant()).await? {
                        all.push(summarize(assembly, &base).await?);
                    }
                }
                Station::There(client) => all.extend(client.bases()?.into_iter().map(remote::summary)),
            }
            list(&all, global.json);
        }
        Command::Show { name, documents } => {
            let (summary, lines) = match &station {
                Station::Here(assembly) => {
                    let base = need_base(assembly, &name).await?;
                    let lines = if documents { documents_of(assembly, &base).await? } else { Vec::new() };
                    (summarize(assembly, &base).await?, lines)
                }
                Station::There(client) => {
                    let lines = if documents { client.documents(&name)? } else { Vec::new() };
                    (remote::summary(client.base(&name)?), lines.into_iter().map(remote::document).collect())
                }
            };
            print(&summary, global.json);
            lines.iter().for_each(|line| print_document(line, global.json));
        }
        Command::Rm { name } => match &station {
            Station::Here(assembly) => {
                let base = need_base(assembly, &name).await?;
                assembly.knowledge.delete_base(&base.id).await?;
            }
            Station::There(client) => client.delete_base(&name)?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

async fn summarize(assembly: &Assembly, base: &Base) -> Result<BaseSummary> {
    let stats = assembly.store.base_stats(&base.id).await?;
    Ok(BaseSummary {
        name: base.name.clone(),
        documents: stats.documents,
        chunks: stats.chunks,
        states: stats.states,
        settings: base.settings.clone(),
    })
}

/// Documents are read in pages of this many.
const PAGE: usize = 500;

async fn documents_of(assembly: &Assembly, base: &Base) -> Result<Vec<DocumentLine>> {
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let documents = assembly.store.documents(&base.id, Page { after, limit: PAGE }).await?;
        let Some(last) = documents.last() else { return Ok(lines) };
        after = Some(last.id.to_string());
        lines.extend(documents.into_iter().map(document_line));
    }
}

/// A document as one line of output.
pub(super) fn document_line(document: Document) -> DocumentLine {
    DocumentLine { document: document.name, state: document.state, reason: document.reason, chunks: document.chunks }
}

fn print(summary: &BaseSummary, as_json: bool) {
    if as_json {
        return output::json(summary);
    }
    let states: Vec<String> = summary.states.iter().map(|(state, n)| format!("{n} {}", state_word(*state))).collect();
    let embedding = summary.settings.embedding.as_ref().map_or("none (full text only)", |name| name.as_str());
    output::line(format!("{}: {} documents, {} chunks", summary.name, summary.documents, summary.chunks));
    if !states.is_empty() {
        output::line(format!("  states:    {}", states.join(", ")));
    }
    output::line(format!("  embedding: {embedding}"));
    output::line(format!("  chunking:  {}", chunking_words(summary)));
}

fn chunking_words(summary: &BaseSummary) -> String {
    match summary.settings.chunking {
        yizhan_store::Chunking::Window { tokens, overlap } => format!("window of {tokens} tokens, {overlap} shared"),
        yizhan_store::Chunking::Structure { tokens } => format!("by structure, at most {tokens} tokens"),
    }
}

/// A state as a word for people and JSON alike.
pub(super) fn state_word(state: yizhan_store::DocumentState) -> &'static str {
    use yizhan_store::DocumentState::{Failed, Processing, Queued, Ready};
    match state {
        Queued => "queued",
        Processing => "processing",
        Ready => "ready",
        Failed => "failed",
    }
}

/// A document's line for people or programs.
pub(super) fn print_document(line: &DocumentLine, as_json: bool) {
    if as_json {
        return output::json(line);
    }
    let rest = match (&line.reason, line.chunks) {
        // Most reasons name the document themselves.
        (Some(reason), _) => reason.strip_prefix(&format!("{}: ", line.document)).unwrap_or(reason).to_owned(),
        (None, chunks) => format!("{chunks} chunks"),
    };
    output::line(format!("{:<10} {}: {rest}", state_word(line.state), line.document));
}

fn list(all: &[BaseSummary], as_json: bool) {
    if as_json {
        return output::json(&all);
    }
    if all.is_empty() {
        return output::line("No knowledge bases yet: `yizhan base create NAME`, or `yizhan ingest PATH --base NAME`.");
    }
    output::line(format!("{:<24} {:>9} {:>9}  STATES", "NAME", "DOCUMENTS", "CHUNKS"));
    for base in all {
        let states: Vec<String> = base.states.iter().map(|(state, n)| format!("{n} {}", state_word(*state))).collect();
        output::line(format!("{:<24} {:>9} {:>9}  {}", base.name, base.documents, base.chunks, states.join(", ")));
    }
}

mod remote {
    //! What the client returns, as what is printed.

    use crate::output::{BaseSummary, DocumentLine};

    pub(super) fn summary(base: yizhan_client::Base) -> BaseSummary {
        BaseSummary {
            name: base.name,
            documents: base.documents,
            chunks: base.chunks,
            states: base.states,
            settings: base.settings,
        }
    }

    pub(super) fn document(document: yizhan_client::Document) -> DocumentLine {
        DocumentLine {
            document: document.name,
            state: document.state,
            reason: document.reason,
            chunks: document.chunks,
        }
    }
}
