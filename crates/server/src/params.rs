//! What a route's path names, with an error of the one table where it cannot be read.
//!
//! It does not know what the names stand for.

use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use yizhan_domain::{Error, ErrorCode};

/// The path's parameters, percent signs read: axum's own extractor, whose refusals are plain text.
pub(crate) struct Path<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Sync,
    T: Send,
    axum::extract::Path<T>: FromRequestParts<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(names)) => Ok(Self(names)),
            Err(_) => {
                let message = "The path cannot be read: behind its percent signs there must be valid UTF-8.";
                Err(Error::new(ErrorCode::InvalidRequest, message).into())
            }
        }
    }
}
