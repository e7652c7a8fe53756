//! Errors on the wire.

use crate::shown::shown;
use serde_json::{Value, json};
use yizhan_domain::Error;

/// `{"error":{"message","type","param","code"}}`.
pub fn error_body(error: &Error) -> Value {
    let mut body = json!({"error": {
        "message": shown(error.message()),
        "type": error.code().kind(),
        "param": error.parameter().map(shown),
        "code": error.code().as_str(),
    }});
    if let Some(review) = error.review() {
        body["error"]["review"] = review.as_str().into();
    }
    body
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
