//! `yizhan search`.
//!
//! It does not know how passages are found.

use super::attribute;
use crate::cli::{Global, Mode, Search};
use crate::models::Models;
use crate::output::{self, Passage};
use crate::station::{Station, need_base};
use std::process::ExitCode;
use yizhan_domain::{Error, ErrorCode, ModelName, Place, Result};
use yizhan_knowledge::{Found, SearchMode, SearchOptions};
use yizhan_store::{Comparison, Compound, Filter};

pub(super) async fn run(global: &Global, command: Search) -> Result<ExitCode> {
    let filter = filter(&command.tags)?;
    let passages: Vec<Passage> = match Station::open(global).await? {
        Station::Here(assembly) => {
            let base = need_base(&assembly, &command.base).await?;
            let rerank = if command.rerank { Some(reranker(&assembly.models, global)?) } else { None };
            let mode = match command.mode {
                Mode::Bm25 => SearchMode::Bm25,
                Mode::Dense => SearchMode::Dense,
                Mode::Hybrid => SearchMode::Hybrid,
            };
            let options = SearchOptions { mode, top: command.top as usize, filter, rerank, ..SearchOptions::default() };
            let found = assembly.knowledge.search(&base, &command.query, &options).await?;
            found.into_iter().map(passage).collect()
        }
        Station::There(client) => {
            let mode = match command.mode {
                Mode::Bm25 => "bm25",
                Mode::Dense => "dense",
                Mode::Hybrid => "hybrid",
            };
            let filter = filter.map(serde_json::to_value).transpose().map_err(|e| Error::internal(e.to_string()))?;
            let query = yizhan_client::SearchQuery {
                query: command.query.clone(),
                mode: mode.to_owned(),
                limit: command.top as usize,
                filter,
                rerank: command.rerank,
            };
            let found = client.search(&command.base, &query)?;
            found
                .into_iter()
                .map(|hit| Passage {
                    document: hit.document,
                    page: hit.page,
                    heading: hit.heading,
                    text: hit.text,
                    score: hit.score,
                    boxes: hit.boxes,
                })
                .collect()
        }
    };
    print(&passages, global.json);
    Ok(ExitCode::SUCCESS)
}

fn reranker(models: &Models, global: &Global) -> Result<ModelName> {
    models.default_chat(global.chat_model.as_deref()).ok_or_else(|| {
        let message = "Reranking needs a chat model: run `yizhan model list`, then `yizhan model pull NAME`.";
        Error::new(ErrorCode::ModelUnavailable, message)
    })
}

/// All of the tags must be there.
fn filter(tags: &[String]) -> Result<Option<Filter>> {
    let filters: Vec<Filter> = tags
        .iter()
        .map(|tag| attribute(tag).map(|(key, value)| Filter::Compare { comparison: Comparison::Eq, key, value }))
        .collect::<Result<_>>()?;
    Ok((!filters.is_empty()).then_some(Filter::Compound { operator: Compound::And, filters }))
}

fn passage(found: Found) -> Passage {
    let place = Place::of_lines(&found.chunk.lines);
    Passage {
        document: found.chunk.name,
        page: place.page,
        heading: found.chunk.heading,
        text: found.chunk.text,
        score: found.score,
        boxes: place.boxes,
    }
}

/// As much of a passage as people are shown, in characters.
const SHOWN: usize = 240;

fn print(passages: &[Passage], as_json: bool) {
    if as_json {
        return output::json(&passages);
    }
    if passages.is_empty() {
        return output::line("Nothing found.");
    }
    for (position, passage) in passages.iter().enumerate() {
        let page = passage.page.map(|page| format!(", p. {page}")).unwrap_or_default();
        output::line(format!("{}. {}{page}  ({:.4})", position + 1, passage.document, passage.score));
        if !passage.heading.is_empty() {
            output::line(format!("   {}", passage.heading.join(" / ")));
        }
        let text = output::one_line(&passage.text);
        let shown: String = text.chars().take(SHOWN).collect();
        let more = if shown.len() < text.len() { "…" } else { "" };
        output::line(format!("   {shown}{more}"));
    }
}
