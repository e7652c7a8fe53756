//! Taking a JSON body: a limit on its bytes, and clear errors. How slowly it may come is `pace`'s.

use crate::error::ApiError;
use crate::pace::too_late;
use crate::state::AppState;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use yizhan_dialect::parse_json;
use yizhan_domain::{Error, ErrorCode, Result};

/// A rejected body is read on up to this many times the limit, so that its sender gets to read
/// why instead of seeing a broken connection.
const DRAIN_FACTOR: usize = 4;
/// And for at most this long.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A body of JSON, whatever the content type says.
pub(crate) struct JsonBody(pub(crate) Value);

impl FromRequest<Arc<AppState>> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body, state.settings.body_bytes).await?;
        Ok(Self(parse_json(&bytes)?))
    }
}

/// A body of JSON that may be left out: then it is an empty object.
pub(crate) struct SomeJson(pub(crate) Value);

impl FromRequest<Arc<AppState>> for SomeJson {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        if request.body().is_end_stream() {
            return Ok(Self(Value::Object(Default::default())));
        }
        JsonBody::from_request(request, state).await.map(|JsonBody(body)| Self(body))
    }
}

/// The `Content-Length`, if it is there and a number.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>> {
    let announced = content_length(headers);
    let mut frames = body.into_data_stream();
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(limit));
    let mut too_large = announced.is_some_and(|length| length > limit);
    while !too_large {
        match frames.next().await {
            None => return Ok(bytes),
            Some(Err(error)) => return Err(broken(&error)),
            Some(Ok(frame)) if bytes.len() + frame.len() > limit => too_large = true,
            Some(Ok(frame)) => bytes.extend_from_slice(&frame),
        }
    }
    if !headers.contains_key(header::EXPECT) {
        drain(frames, limit.saturating_mul(DRAIN_FACTOR)).await;
    }
    Err(too_many_bytes("The body", limit))
}

async fn drain(mut frames: axum::body::BodyDataStream, limit: usize) {
    let reading = async {
        let mut left = limit;
        while let Some(Ok(frame)) = frames.next().await {
            match left.checked_sub(frame.len()) {
                Some(less) => left = less,
                None => break,
            }
        }
    };
    // Not in time: then its sender sees the connection closed.
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}

/// The error for more bytes than allowed.
pub(crate) fn too_many_bytes(what: &str, limit: usize) -> Error {
    let megabytes = limit as f64 / f64::from(1 << 20);
    Error::new(ErrorCode::TooLarge, format!("{what} is larger than {limit} bytes ({megabytes:.1} MiB), the limit."))
}

fn broken(error: &axum::Error) -> Error {
    let broken = || Error::new(ErrorCode::InvalidRequest, format!("The body could not be read to its end: {error}."));
    too_late(error).unwrap_or_else(broken)
}
