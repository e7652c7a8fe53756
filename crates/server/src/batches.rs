//! `/v1/vector_stores/{id}/file_batches`: many files attached at once.
//!
//! A batch is only a view on its documents, which the store keeps. The list of a batch's files is
//! kept in memory, the latest thousand batches, and is gone after a restart; the documents are not.

use crate::auth::{Caller, Editor};
use crate::body::JsonBody;
use crate::error::{ApiResult, ok};

use crate::params::Path;
use crate::state::AppState;
use crate::{files, store_files, stores};
use axum::extract::State;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use yizhan_dialect::openai::{BatchObject, FileCounts, read_batch_request};
use yizhan_domain::{BaseId, DocumentId, Error, Result, random_id};
use yizhan_store::DocumentState;

const KEPT: usize = 1000;

#[derive(Clone, Debug)]
struct Batch {
    id: String,
    base: BaseId,
    created: i64,
    documents: Arc<[DocumentId]>,
}

/// The batches that are remembered.
#[derive(Default)]
pub(crate) struct Batches(Mutex<VecDeque<Batch>>);

impl Batches {
    fn add(&self, batch: Batch) {
        let mut batches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if batches.len() == KEPT {
            batches.pop_front();
        }
        batches.push_back(batch);
    }

    fn find(&self, base: &BaseId, id: &str) -> Option<Batch> {
        let batches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        batches.iter().find(|batch| batch.id == id && batch.base == *base).cloned()
    }
}

/// Attaches many files.
pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    Editor(principal): Editor,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let requests = read_batch_request(body)?;
    let base = stores::find(&state, principal.tenant(), &id).await?;
    // All are looked up first: no batch is half attached for want of a file.
    for request in &requests {
        files::find(&state, principal.tenant(), &request.file_id).await?;
    }
    let mut documents = Vec::with_capacity(requests.len());
    for request in requests {
        documents.push(store_files::submit(&state, principal.tenant(), &base, request).await?.id);
    }
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed());
    let batch = Batch { id: random_id("vsfb_"), base: base.id, created, documents: documents.into() };
    state.batches.add(batch.clone());
    reply(&state, &batch).await
}

/// A batch and its files' states.
pub(crate) async fn get(
    State(state): State<Arc<AppState>>,
    Caller(principal): Caller,
    Path((id, batch)): Path<(String, String)>,
) -> ApiResult {
    let base = stores::find(&state, principal.tenant(), &id).await?;
    let found = state.batches.find(&base.id, &batch);
    reply(&state, &found.ok_or_else(|| Error::not_found("file batch", &batch).at("batch_id"))?).await
}

async fn reply(state: &AppState, batch: &Batch) -> ApiResult {
    let counts = counts(state, batch).await?;
    let (id, vector_store_id) = (batch.id.as_str(), batch.base.as_str());
    Ok(ok(&BatchObject { id, vector_store_id, created_at: batch.created, counts }.write()))
}

async fn counts(state: &AppState, batch: &Batch) -> Result<FileCounts> {
    let mut counts = FileCounts::default();
    for id in batch.documents.iter() {
        // One that was deleted meanwhile counts no more.
        let Some(document) = state.documents.document(*id).await? else { continue };
        match document.state {
            DocumentState::Queued | DocumentState::Processing => counts.in_progress += 1,
            DocumentState::Ready => counts.completed += 1,
            DocumentState::Failed => counts.failed += 1,
        }
    }
    Ok(counts)
}
