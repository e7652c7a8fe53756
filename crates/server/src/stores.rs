//! `/v1/vector_stores`: knowledge bases.

use crate::auth::{Caller, Editor};
use crate::body::JsonBody;
use crate::error::{ApiResult, ok};
use crate::page::PageQuery;
use crate::params::Path;
use crate::state::AppState;
use crate::store_files;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;
use yizhan_dialect::openai::{
    AttachRequest, ChunkingWish, FileCounts, VectorStoreObject, VectorStoreRequest, VectorStoreUpdate, deleted,
    list as list_body,
};
use yizhan_domain::{BaseId, Error, ModelName, Result, TenantId};
use yizhan_store::{Base, BaseSettings, BaseStats, Chunking, DocumentState};

/// Makes a base, and attaches files to it.
pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    Editor(principal): Editor,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let request = VectorStoreRequest::read(body)?;
    let settings = settings(&state, &request);
    // Files are looked up first: a base is not made for a request that must fail.
    for id in &request.file_ids {
        crate::files::find(&state, principal.tenant(), id).await?;
    }
    let name = request.name.unwrap_or_else(|| BaseId::random().to_string());
    let base = state.documents.create_base(principal.tenant(), &name, settings).await?;
    for file_id in request.file_ids {
        let request = AttachRequest { file_id, ..AttachRequest::default() };
        store_files::submit(&state, principal.tenant(), &base, request).await?;
    }
    reply(&state, &base).await
}

fn settings(state: &AppState, request: &VectorStoreRequest) -> BaseSettings {
    let mut settings = state.knowledge.default_settings();
    match request.chunking {
        ChunkingWish::Auto => {}
        ChunkingWish::Window { tokens, overlap } => settings.chunking = Chunking::Window { tokens, overlap },
        ChunkingWish::Structure { tokens } => settings.chunking = Chunking::Structure { tokens },
    }
    if let Some(model) = &request.embedding_model {
        settings.embedding = (!model.is_empty()).then(|| ModelName::new(model.as_str()));
    }
    settings.dictionary.extend(request.dictionary.iter().cloned());
    settings
}

/// Bases, newest first unless asked otherwise.
pub(crate) async fn list(State(state): State<Arc<AppState>>, Caller(principal): Caller, query: PageQuery) -> ApiResult {
    let bases = state.documents.bases(principal.tenant()).await?;
    let (bases, has_more) = query.part(bases, |base| base.id.as_str())?;
    let mut items = Vec::with_capacity(bases.len());
    for base in &bases {
        items.push(object(base, &state.documents.base_stats(&base.id).await?));
    }
    Ok(ok(&list_body(items, has_more)))
}

/// One base.
pub(crate) async fn get(
    State(state): State<Arc<AppState>>,
    Caller(principal): Caller,
    Path(id): Path<String>,
) -> ApiResult {
    reply(&state, &find(&state, principal.tenant(), &id).await?).await
}

/// Renames a base.
pub(crate) async fn update(
    State(state): State<Arc<AppState>>,
    Editor(principal): Editor,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let update = VectorStoreUpdate::read(body)?;
    let mut base = find(&state, principal.tenant(), &id).await?;
    if let Some(name) = update.name.filter(|name| *name != base.name) {
        base = state.documents.rename_base(&base.id, &name).await?;
    }
    reply(&state, &base).await
}

/// Deletes a base.
pub(crate) async fn delete(
    State(state): State<Arc<AppState>>,
    Editor(principal): Editor,
    Path(id): Path<String>,
) -> ApiResult {
    let base = find(&state, principal.tenant(), &id).await?;
    state.knowledge.delete_base(&base).await?;
    Ok(ok(&deleted(base.id.as_str(), "vector_store.deleted")))
}

/// The caller's base of that id or name.
pub(crate) async fn find(state: &AppState, tenant: &TenantId, name_or_id: &str) -> Result<Base> {
    let base = state.documents.base(tenant, name_or_id).await?;
    base.ok_or_else(|| Error::not_found("vector store", name_or_id).at("vector_store_id"))
}

async fn reply(state: &AppState, base: &Base) -> ApiResult {
    let stats = state.documents.base_stats(&base.id).await?;
    Ok(ok(&object(base, &stats)))
}

fn object(base: &Base, stats: &BaseStats) -> Value {
    let count = |wanted: DocumentState| stats.states.get(&wanted).copied().unwrap_or(0);
    let counts = FileCounts {
        in_progress: count(DocumentState::Queued) + count(DocumentState::Processing),
        completed: count(DocumentState::Ready),
        failed: count(DocumentState::Failed),
    };
    let object = VectorStoreObject {
        id: base.id.as_str(),
        name: &base.name,
        created_at: base.created_ms.div_euclid(1000),
        bytes: stats.bytes,
        counts,
        chunks: stats.chunks,
        states: json!(stats.states),
        embedding_model: base.settings.embedding.as_ref().map(ModelName::as_str),
        dictionary: &base.settings.dictionary,
        chunking: chunking(base.settings.chunking),
    };
    object.write()
}

/// A base's chunking on the wire.
pub(crate) fn chunking(chunking: Chunking) -> ChunkingWish {
    match chunking {
        Chunking::Window { tokens, overlap } => ChunkingWish::Window { tokens, overlap },
        Chunking::Structure { tokens } => ChunkingWish::Structure { tokens },
    }
}
