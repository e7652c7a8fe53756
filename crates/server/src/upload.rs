//! Taking a file from a multipart body.
//!
//! A file is held in memory while it is taken, as the blob store wants it whole. Permits, one a
//! mebibyte, bound what all uploads together may hold.

use crate::body::{content_length, too_many_bytes};
use crate::error::ApiError;
use crate::pace::too_late;
use crate::state::AppState;
use axum::extract::DefaultBodyLimit;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use yizhan_domain::{Error, ErrorCode, Result};

/// Most bytes of a field that is not the file.
const MAX_FIELD: usize = 4096;
/// Most bytes of a file's name.
const MAX_NAME: usize = 255;
/// Most fields of one body.
const MAX_FIELDS: usize = 32;

/// An uploaded file. It holds its share of the memory for uploads until it is dropped.
pub(crate) struct Upload {
    /// Its name as shown to people.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// OpenAI's purpose.
    pub(crate) purpose: String,
    _permit: OwnedSemaphorePermit,
}

impl FromRequest<Arc<AppState>> for Upload {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        let announced = content_length(request.headers());
        let limit = state.settings.file_bytes;
        if announced.is_some_and(|length| length > limit.saturating_add(1 << 20)) {
            return Err(too_many_bytes("The file", limit).into());
        }
        let permit = reserve(state, announced.unwrap_or(limit).min(limit)).await?;
        // The limit is this one's own.
        DefaultBodyLimit::disable().apply(&mut request);
        let multipart = Multipart::from_request(request, state).await.map_err(|rejection| {
            let message = format!("Send the file as multipart/form-data: {}.", rejection.body_text());
            Error::new(ErrorCode::InvalidRequest, message)
        })?;
        Ok(read(multipart, permit, announced, limit).await?)
    }
}

async fn reserve(state: &Arc<AppState>, bytes: usize) -> Result<OwnedSemaphorePermit> {
    let permits = u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX);
    let permit = Arc::clone(&state.upload_permits).acquire_many_owned(permits).await;
    permit.map_err(|_| Error::new(ErrorCode::Overloaded, "The server is shutting down."))
}

async fn read(
    mut multipart: Multipart,
    permit: OwnedSemaphorePermit,
    announced: Option<usize>,
    limit: usize,
) -> Result<Upload> {
    let (mut file, mut purpose) = (None, None);
    for _ in 0..MAX_FIELDS {
        let Some(mut field) = multipart.next_field().await.map_err(broken)? else { break };
        match field.name() {
            Some("file") if file.is_none() => {
                let name = file_name(field.file_name())?;
                let capacity = announced.unwrap_or(0).min(limit);
                let bytes = take(&mut field, capacity, limit).await?;
                file = Some((name, bytes));
            }
            Some("purpose") => {
                let bytes = take(&mut field, 0, MAX_FIELD).await?;
                purpose = Some(String::from_utf8_lossy(&bytes).into_owned());
            }
            _ => drop(take(&mut field, 0, MAX_FIELD).await?),
        }
    }
    let (name, bytes) =
        file.ok_or_else(|| Error::invalid("file", "The form has no field 'file' with a file in it."))?;
    if bytes.is_empty() {
        return Err(Error::invalid("file", format!("'{name}' is empty.")));
    }
    Ok(Upload { name, bytes, purpose: purpose.unwrap_or_else(|| "assistants".to_owned()), _permit: permit })
}

/// The last part of a path, as browsers and people send whole paths.
fn file_name(sent: Option<&str>) -> Result<String> {
    let name = sent.unwrap_or_default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        let message = format!("The file's name must have 1 to {MAX_NAME} bytes and no control characters.");
        return Err(Error::invalid("file", message));
    }
    Ok(name.to_owned())
}

async fn take(field: &mut Field<'_>, capacity: usize, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(capacity);
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > limit {
            return Err(too_many_bytes("The file", limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn broken(error: MultipartError) -> Error {
    too_late(&error).unwrap_or_else(|| {
        let message = format!("The multipart body cannot be read: {}.", error.body_text());
        Error::new(ErrorCode::InvalidRequest, message)
    })
}
