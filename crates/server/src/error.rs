//! The one place where an error becomes an HTTP reply.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use yizhan_dialect::openai::error_body;
use yizhan_domain::{Error, ErrorCode};

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct ApiError(pub(crate) Error);

/// What handlers return.
pub(crate) type ApiResult<T = Response> = Result<T, ApiError>;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = self.0;
        if error.code().status() >= 500 {
            tracing::warn!(code = error.code().as_str(), "{error}");
        }
        let status = StatusCode::from_u16(error.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json_reply(status, &error_body(&error));
        match error.code() {
            ErrorCode::RateLimited | ErrorCode::Overloaded => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            ErrorCode::InvalidApiKey => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

/// A reply of JSON with status 200.
pub(crate) fn ok(body: &Value) -> Response {
    json_reply(StatusCode::OK, body)
}

/// A reply of JSON.
pub(crate) fn json_reply(status: StatusCode, body: &Value) -> Response {
    json_text(status, body.to_string())
}

/// A reply of text that is JSON already.
pub(crate) fn json_text(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
