//! `/v1/vector_stores/{id}/files`: documents of a knowledge base.

use crate::auth::{Caller, Editor};
use crate::body::JsonBody;
use crate::error::{ApiResult, ok};
use crate::page::{PageQuery, READ_AT_ONCE};
use crate::params::Path;
use crate::state::AppState;
use crate::{files, stores};
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;
use yizhan_dialect::openai::{
    AttachRequest, ChunkingWish, VectorStoreFileObject, deleted, list as list_body, read_attributes_update,
};
use yizhan_domain::{Error, FileId, Result, TenantId};
use yizhan_store::{Base, Document, DocumentState, NewDocument, Page};

/// Attaches a file to a base.
pub(crate) async fn attach(
    State(state): State<Arc<AppState>>,
    Editor(principal): Editor,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let request = AttachRequest::read(body)?;
    let base = stores::find(&state, principal.tenant(), &id).await?;
    let document = submit(&state, principal.tenant(), &base, request).await?;
    Ok(ok(&object(&base, &document)))
}

/// Submits the caller's file as a document of the base.
pub(crate) async fn submit(
    state: &AppState,
    tenant: &TenantId,
    base: &Base,
    request: AttachRequest,
) -> Result<Document> {
    let ours = stores::chunking(base.settings.chunking);
    if request.chunking != ChunkingWish::Auto && request.chunking != ours {
        let message = "Chunking is chosen when the vector store is made; leave 'chunking_strategy' out here.";
        return Err(Error::invalid("chunking_strategy", message));
    }
    let file = files::find(state, tenant, &request.file_id).await?;
    let source = request.source.unwrap_or_else(|| file.id.to_string());
    let document =
        NewDocument { file: file.id, source, name: file.name, hash: file.hash, attributes: request.attributes };
    state.knowledge.submit(base, document).await
}

/// A base's files, newest first unless asked otherwise.
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Caller(principal): Caller,
    Path(id): Path<String>,
    query: PageQuery,
) -> ApiResult {
    let base = stores::find(&state, principal.tenant(), &id).await?;
    let (documents, has_more) = page(&state, &base, &query).await?;
    Ok(ok(&list_body(documents.iter().map(|document| object(&base, document)).collect(), has_more)))
}

async fn page(state: &AppState, base: &Base, query: &PageQuery) -> Result<(Vec<Document>, bool)> {
    let status = query.rest.get("filter").filter(|status| !status.is_empty());
    if query.ascending && query.before.is_none() && status.is_none() {
        let after = match &query.after {
            Some(file) => Some(find(state, base, file).await?.id.to_string()),
            None => None,
        };
        let mut documents = state.documents.documents(&base.id, Page { after, limit: query.limit + 1 }).await?;
        let has_more = documents.len() > query.limit;
        documents.truncate(query.limit);
        return Ok((documents, has_more));
    }
    let mut documents: Vec<Document> = Vec::new();
    loop {
        let after = documents.last().map(|document| document.id.to_string());
        let more = state.documents.documents(&base.id, Page { after, limit: READ_AT_ONCE }).await?;
        let last = more.len() < READ_AT_ONCE;
        documents.extend(more);
        if last {
            break;
        }
    }
    documents.retain(|document| status.is_none_or(|wanted| wanted.as_str() == status_of(document.state)));
    query.part(documents, |document| document.file.as_str())
}

/// One file of a base.
pub(crate) async fn get(
    State(state): State<Arc<AppState>>,
    Caller(principal): Caller,
    Path((id, file)): Path<(String, String)>,
) -> ApiResult {
    let base = stores::find(&state, principal.tenant(), &id).await?;
    Ok(ok(&object(&base, &find(&state, &base, &file).await?)))
}

/// Replaces a document's attributes.
pub(crate) async fn update(
    State(state): State<Arc<AppState>>,
    Editor(principal): Editor,
    Path((id, file)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let attributes = read_attributes_update(body)?;
    let base = stores::find(&state, principal.tenant(), &id).await?;
    let Document { file, source, name, hash, .. } = find(&state, &base, &file).await?;
    // The same content submitted again changes nothing else.
    let document = state.knowledge.submit(&base, NewDocument { file, source, name, hash, attributes }).await?;
    Ok(ok(&object(&base, &document)))
}

/// Takes a file out of a base; the file itself stays.
pub(crate) async fn delete(
    State(state): State<Arc<AppState>>,
    Editor(principal): Editor,
    Path((id, file)): Path<(String, String)>,
) -> ApiResult {
    let base = stores::find(&state, principal.tenant(), &id).await?;
    let document = find(&state, &base, &file).await?;
    state.knowledge.delete_document(&base, document.id).await?;
    Ok(ok(&deleted(&file, "vector_store.file.deleted")))
}

/// The document that a file is in a base.
pub(crate) async fn find(state: &AppState, base: &Base, file: &str) -> Result<Document> {
    let document = state.documents.document_of_file(&base.id, &FileId::new(file)).await?;
    document.ok_or_else(|| {
        let what = format!("file in the vector store '{}' with the id", base.name);
        Error::not_found(&what, file).at("file_id")
    })
}

/// OpenAI's word for a document's state.
pub(crate) fn status_of(state: DocumentState) -> &'static str {
    match state {
        DocumentState::Queued | DocumentState::Processing => "in_progress",
        DocumentState::Ready => "completed",
        DocumentState::Failed => "failed",
    }
}

fn object(base: &Base, document: &Document) -> Value {
    // A reason without a failure is that of an attempt that will be repeated.
    let failed = document.state == DocumentState::Failed;
    let object = VectorStoreFileObject {
        id: document.file.as_str(),
        vector_store_id: base.id.as_str(),
        filename: &document.name,
        created_at: document.created_ms.div_euclid(1000),
        bytes: document.bytes,
        status: status_of(document.state),
        state: json!(document.state),
        reason: failed.then(|| document.reason.as_deref().unwrap_or("It could not be read.")),
        attributes: &document.attributes,
        chunking: stores::chunking(base.settings.chunking),
        chunks: document.chunks,
        pages: document.pages,
    };
    object.write()
}
