//! `/v1/files`.

use crate::auth::{Caller, Editor};
use crate::error::{ApiResult, ok};
use crate::page::{PageQuery, READ_AT_ONCE};
use crate::params::Path;
use crate::state::AppState;
use crate::upload::Upload;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;
use yizhan_dialect::openai::{FileObject, deleted, list as list_body};
use yizhan_domain::{Error, FileId, Result, TenantId};
use yizhan_store::{File, Page};

/// Keeps an uploaded file.
pub(crate) async fn create(State(state): State<Arc<AppState>>, Editor(principal): Editor, upload: Upload) -> ApiResult {
    let file = state.knowledge.add_file(&principal, &upload.name, upload.bytes, &upload.purpose).await?;
    Ok(ok(&object(&file)))
}

/// Files, newest first unless asked otherwise.
pub(crate) async fn list(State(state): State<Arc<AppState>>, Caller(principal): Caller, query: PageQuery) -> ApiResult {
    let (files, has_more) = page(&state, principal.tenant(), &query).await?;
    Ok(ok(&list_body(files.iter().map(object).collect(), has_more)))
}

async fn page(state: &AppState, tenant: &TenantId, query: &PageQuery) -> Result<(Vec<File>, bool)> {
    let purpose = query.rest.get("purpose").filter(|purpose| !purpose.is_empty());
    if !query.ascending && query.before.is_none() && purpose.is_none() {
        let page = Page { after: query.after.clone(), limit: query.limit + 1 };
        let mut files = state.documents.files(tenant, page).await?;
        let has_more = files.len() > query.limit;
        files.truncate(query.limit);
        return Ok((files, has_more));
    }
    let mut files: Vec<File> = Vec::new();
    loop {
        let after = files.last().map(|file| file.id.to_string());
        let more = state.documents.files(tenant, Page { after, limit: READ_AT_ONCE }).await?;
        let last = more.len() < READ_AT_ONCE;
        files.extend(more);
        if last {
            break;
        }
    }
    files.retain(|file| purpose.is_none_or(|purpose| *purpose == file.purpose));
    files.reverse();
    query.part(files, |file| file.id.as_str())
}

/// One file.
pub(crate) async fn get(
    State(state): State<Arc<AppState>>,
    Caller(principal): Caller,
    Path(id): Path<String>,
) -> ApiResult {
    Ok(ok(&object(&find(&state, principal.tenant(), &id).await?)))
}

/// A file's bytes, never shown by a browser as a page of this server's.
pub(crate) async fn content(
    State(state): State<Arc<AppState>>,
    Caller(principal): Caller,
    Path(id): Path<String>,
) -> ApiResult {
    let file = find(&state, principal.tenant(), &id).await?;
    let mut response = Response::new(Body::from(state.blobs.get(&file.hash).await?));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&disposition(&file.name)) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// `attachment` with the name in RFC 5987's encoding, which any language survives.
fn disposition(name: &str) -> String {
    let mut text = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Deletes a file with its bytes and every document made from it.
pub(crate) async fn delete(
    State(state): State<Arc<AppState>>,
    Editor(principal): Editor,
    Path(id): Path<String>,
) -> ApiResult {
    state.knowledge.delete_file(&principal, &FileId::new(id.as_str())).await?;
    Ok(ok(&deleted(&id, "file")))
}

/// The caller's file of that id.
pub(crate) async fn find(state: &AppState, tenant: &TenantId, id: &str) -> Result<File> {
    let file = state.documents.file(tenant, &FileId::new(id)).await?;
    file.ok_or_else(|| Error::not_found("file", id).at("file_id"))
}

fn object(file: &File) -> Value {
    let created = file.created_ms.div_euclid(1000);
    json!(FileObject::new(file.id.as_str(), &file.name, file.bytes, &file.purpose, created))
}
