//! `/v1/vector_stores/{id}/search`.

use crate::auth::Asker;
use crate::backend::{RetrievalWishes, SearchHit};
use crate::body::JsonBody;
use crate::chat::Facts;
use crate::error::{ApiError, ApiResult, ok};
use crate::filter::{read_filter, read_mode};
use crate::params::Path;
use crate::state::AppState;
use crate::stores;
use axum::extract::State;
use serde_json::{Map, Value};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use yizhan_dialect::openai::{SearchRequest, SearchResult, search_reply};
use yizhan_domain::{DocumentId, Place, Result};

/// OpenAI's default.
const DEFAULT_LIMIT: usize = 10;

/// Finds passages.
pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    Asker(caller): Asker,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let request = SearchRequest::read(body)?;
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    let options = RetrievalWishes {
        mode: request.mode.map(|mode| read_mode("mode", &mode)).transpose()?,
        top: Some(limit),
        filter: request.filter.map(|filter| read_filter("filters", filter)).transpose()?,
        min_score: request.score_threshold,
        rerank: request.rerank,
    };
    let base = stores::find(&state, caller.principal.tenant(), &id).await?;
    let asked = state.chat.search(&caller, &base, request.queries.clone(), options).await;
    let answered = asked.map_err(ApiError::noted)?;
    let facts = Facts::at_once(&answered);
    let hits = interleave(answered.value, limit);
    let attributes = attributes(&state, &hits).await?;
    let places: Vec<Place> = hits.iter().map(|hit| Place::of_lines(&hit.chunk.lines)).collect();
    let nothing = Map::new();
    let results: Vec<SearchResult<'_>> = hits
        .iter()
        .zip(&places)
        .map(|(hit, place)| SearchResult {
            file_id: hit.chunk.file.as_str(),
            filename: &hit.chunk.name,
            score: hit.score,
            attributes: attributes.get(&hit.chunk.document).unwrap_or(&nothing),
            text: &hit.chunk.text,
            heading: &hit.chunk.heading,
            page: place.page,
            boxes: &place.boxes,
        })
        .collect();
    Ok(facts.onto(ok(&search_reply(&request.queries, &results))))
}

/// Of several queries' hits the first of each, then the second of each, and so on: scores of
/// different searches cannot be compared.
fn interleave(mut found: Vec<Vec<SearchHit>>, limit: usize) -> Vec<SearchHit> {
    if found.len() == 1 {
        let mut hits = found.pop().unwrap_or_default();
        hits.truncate(limit);
        return hits;
    }
    let mut queues: Vec<_> = found.into_iter().map(Vec::into_iter).collect();
    let (mut hits, mut seen) = (Vec::new(), HashSet::new());
    loop {
        let row: Vec<SearchHit> = queues.iter_mut().filter_map(Iterator::next).collect();
        if row.is_empty() || hits.len() >= limit {
            hits.truncate(limit);
            return hits;
        }
        hits.extend(row.into_iter().filter(|hit| seen.insert(hit.chunk.id)));
    }
}

async fn attributes(state: &AppState, hits: &[SearchHit]) -> Result<HashMap<DocumentId, Map<String, Value>>> {
    let mut attributes = HashMap::new();
    for hit in hits {
        if let Entry::Vacant(place) = attributes.entry(hit.chunk.document) {
            let document = state.documents.document(hit.chunk.document).await?;
            place.insert(document.map(|document| document.attributes).unwrap_or_default());
        }
    }
    Ok(attributes)
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
