use super::error_body;
use serde_json::json;
use yizhan_domain::{Error, ErrorCode};

#[test]
fn the_shape_is_anthropics() {
    let body = error_body(&Error::invalid("max_tokens", "'max_tokens' is missing."));
    let wanted = json!({
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "'max_tokens' is missing.",
            "code": "invalid_request",
            "param": "max_tokens",
        },
    });
    assert_eq!(body, wanted);
}

#[test]
fn every_code_has_a_type_that_fits_its_status() {
    for code in ErrorCode::ALL {
        let kind = error_body(&Error::new(*code, ""))["error"]["type"].as_str().unwrap().to_owned();
        let wanted = match code.status() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            503 if *code == ErrorCode::Overloaded => "overloaded_error",
            status if status < 499 => "invalid_request_error",
            _ => "api_error",
        };
        assert_eq!(kind, wanted, "{code:?}");
    }
}
