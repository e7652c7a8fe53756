//! Around every request: its id, its line in the log, and a reply even when a handler panics.

use crate::error::ApiError;
use crate::notes::Notes;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use yizhan_domain::{Error, random_id};
use yizhan_telemetry::with_ids_sync;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id: the caller's own `x-request-id`, or a fresh one.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<RequestId>().cloned().unwrap_or_else(fresh_id))
    }
}

/// Runs the rest of the way.
pub(crate) async fn around(mut request: Request, next: impl AsyncFnOnce(Request) -> Response) -> Response {
    let begin = Instant::now();
    let id = own_id(&request).unwrap_or_else(fresh_id);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(id.clone());
    let mut response = match AssertUnwindSafe(next(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            // The panic's own text is in the log already, by the panic hook.
            tracing::error!(request = %id.0, %method, path, "a handler panicked");
            let message = format!("The server failed at this request (id {}); please report it.", id.0);
            ApiError::from(Error::internal(message)).into_response()
        }
    };
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if is_logged() {
        let (status, millis) = (response.status().as_u16(), begin.elapsed().as_secs_f32() * 1e3);
        match response.extensions_mut().remove::<Notes>() {
            // The ids are those of the line itself.
            Some(notes) => with_ids_sync(Some(notes.ids()), || {
                let tenant = notes.tenant().map(|tenant| tenant.as_str());
                tracing::debug!(tenant, %method, path, status, millis, "answered");
            }),
            None => tracing::debug!(request = %id.0, %method, path, status, millis, "answered"),
        }
    }
    response
}

/// Is a line written for each request? Then replies bring their [`Notes`] along for it.
pub(crate) fn is_logged() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

fn own_id(request: &Request) -> Option<RequestId> {
    let text = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let fits = !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| RequestId(text.into()))
}

fn fresh_id() -> RequestId {
    RequestId(random_id("req-").into())
}
