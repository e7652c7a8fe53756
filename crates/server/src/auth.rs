//! Who calls, and whether they may.
//!
//! A handler says by the extractor that it takes what the caller's key must permit.

use crate::error::ApiError;
use crate::state::AppState;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use std::sync::Arc;
use yizhan_access::{Principal, Scope};
use yizhan_domain::Result;

/// Anyone with a key.
pub(crate) struct Caller(pub(crate) Principal);

/// Someone who may ask models and search.
pub(crate) struct Asker(pub(crate) Principal);

/// Someone who may change files and knowledge bases.
pub(crate) struct Editor(pub(crate) Principal);

async fn authenticate(parts: &Parts, state: &AppState) -> Result<Principal> {
    let header = parts.headers.get(header::AUTHORIZATION);
    state.access.authenticate(header.and_then(|value| value.to_str().ok())).await
}

impl FromRequestParts<Arc<AppState>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        Ok(Self(authenticate(parts, state).await?))
    }
}

impl FromRequestParts<Arc<AppState>> for Asker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        let principal = authenticate(parts, state).await?;
        principal.require(Scope::Inference)?;
        Ok(Self(principal))
    }
}

impl FromRequestParts<Arc<AppState>> for Editor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        let principal = authenticate(parts, state).await?;
        principal.require(Scope::Documents)?;
        Ok(Self(principal))
    }
}
