//! Errors on the wire.

use serde_json::{Value, json};
use yizhan_domain::Error;

/// `{"error":{"message","type","param","code"}}`.
pub fn error_body(error: &Error) -> Value {
    json!({"error": {
        "message": error.message(),
        "type": error.code().kind(),
        "param": error.parameter(),
        "code": error.code().as_str(),
    }})
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
