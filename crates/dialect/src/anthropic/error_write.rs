//! Errors as Anthropic's clients expect them.
//!
//! The HTTP status is the table's: Anthropic's 529 for an overload is 503 here, which its clients retry alike.

use crate::shown::shown;
use crate::stream::NamedEvent;
use serde_json::{Value, json};
use yizhan_domain::{Error, ErrorCode};

/// `{"type":"error","error":{"type","message"}}`, and our own `code` and `param` beside.
pub fn error_body(error: &Error) -> Value {
    let mut body = json!({
        "type": "error",
        "error": {
            "type": kind(error.code()),
            "message": shown(error.message()),
            "code": error.code().as_str(),
            "param": error.parameter().map(shown),
        },
    });
    if let Some(review) = error.review() {
        body["error"]["review"] = review.as_str().into();
    }
    body
}

/// The event that ends a stream which failed.
pub fn error_event(error: &Error) -> NamedEvent {
    NamedEvent::new("error", &error_body(error))
}

const fn kind(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidApiKey => "authentication_error",
        ErrorCode::PermissionDenied | ErrorCode::HeldForReview | ErrorCode::ApprovalUsed => "permission_error",
        ErrorCode::NotFound | ErrorCode::ModelNotFound => "not_found_error",
        ErrorCode::TooLarge => "request_too_large",
        ErrorCode::RateLimited | ErrorCode::BudgetExceeded => "rate_limit_error",
        ErrorCode::Overloaded => "overloaded_error",
        ErrorCode::Timeout => "timeout_error",
        ErrorCode::InvalidRequest
        | ErrorCode::ContextLengthExceeded
        | ErrorCode::MethodNotAllowed
        | ErrorCode::RequestTimeout
        | ErrorCode::Conflict
        | ErrorCode::UnreadableDocument
        | ErrorCode::ContentBlocked
        | ErrorCode::InvalidConfig => "invalid_request_error",
        ErrorCode::ProviderFailed
        | ErrorCode::ModelUnavailable
        | ErrorCode::WorkerFailed
        | ErrorCode::Cancelled
        | ErrorCode::Io
        | ErrorCode::Internal => "api_error",
    }
}

#[cfg(test)]
#[path = "error_write_tests.rs"]
mod tests;
