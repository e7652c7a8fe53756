//! The one place where an error becomes an HTTP reply.

use crate::auth::REVIEW;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use yizhan_dialect::{anthropic, openai};
use yizhan_domain::{Error, ErrorCode};

/// Whose form an error takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ErrorForm {
    /// OpenAI's; all routes but Anthropic's.
    #[default]
    OpenAi,
    /// Anthropic's.
    Anthropic,
}

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct ApiError {
    error: Error,
    form: ErrorForm,
    noted: bool,
}

/// An extension of replies to calls that were refused and that nobody has noted yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unnoted(pub(crate) ErrorCode);

/// What handlers return.
pub(crate) type ApiResult<T = Response> = Result<T, ApiError>;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self { error, form: ErrorForm::OpenAi, noted: false }
    }
}

impl ApiError {
    /// An error of a call that the gateway has noted.
    pub(crate) fn noted(error: Error) -> Self {
        Self { error, form: ErrorForm::OpenAi, noted: true }
    }

    /// The same error in another form.
    pub(crate) fn in_form(self, form: ErrorForm) -> Self {
        Self { form, ..self }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { error, form, noted } = self;
        if error.code().status() >= 500 {
            tracing::warn!(code = error.code().as_str(), "{error}");
        }
        let status = StatusCode::from_u16(error.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = match form {
            ErrorForm::OpenAi => openai::error_body(&error),
            ErrorForm::Anthropic => anthropic::error_body(&error),
        };
        let mut response = json_reply(status, &body);
        if let Some(wait) = wait(&error) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        if let Some(review) = error.review().and_then(|id| HeaderValue::from_str(id.as_str()).ok()) {
            response.headers_mut().insert(REVIEW, review);
        }
        if error.code() == ErrorCode::InvalidApiKey {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if error.code() == ErrorCode::RequestTimeout {
            // The rest of the body is not read.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if !noted {
            response.extensions_mut().insert(Unnoted(error.code()));
        }
        response
    }
}

/// Whole seconds to wait, rounded up; one where nobody knows.
fn wait(error: &Error) -> Option<u64> {
    let known = error.wait().map(|wait| wait.as_millis().div_ceil(1000).max(1));
    let known = known.map(|seconds| u64::try_from(seconds).unwrap_or(u64::MAX));
    match error.code() {
        ErrorCode::RateLimited | ErrorCode::Overloaded | ErrorCode::BudgetExceeded => Some(known.unwrap_or(1)),
        _ => known,
    }
}

/// A reply of JSON with status 200.
pub(crate) fn ok(body: &impl Serialize) -> Response {
    json_reply(StatusCode::OK, body)
}

/// A reply of JSON.
pub(crate) fn json_reply(status: StatusCode, body: &impl Serialize) -> Response {
    // Room for most answers.
    let mut text = Vec::with_capacity(1000);
    match serde_json::to_writer(&mut text, body) {
        Ok(()) => json_text(status, text),
        Err(cause) => ApiError::from(Error::internal(format!("The reply cannot be written: {cause}."))).into_response(),
    }
}

/// A reply of text that is JSON already.
pub(crate) fn json_text(status: StatusCode, body: impl Into<Body>) -> Response {
    let body = body.into();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
