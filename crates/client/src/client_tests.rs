use super::{Client, Parts, code_of, is_loopback, segment};
use yizhan_domain::ErrorCode;

#[test]
fn names_become_safe_segments() {
    assert_eq!(segment("manual-1.0"), "manual-1.0");
    assert_eq!(segment("手册"), "%E6%89%8B%E5%86%8C");
    assert_eq!(segment("a/../b?c#d e"), "a%2F..%2Fb%3Fc%23d%20e");
    assert_eq!(segment(".."), "%2E%2E");
}

#[test]
fn errors_keep_code_message_and_parameter() {
    let parts: Parts =
        serde_json::from_str(r#"{"message":"No.","type":"x","param":"model","code":"model_not_found"}"#).unwrap();
    let error = parts.into_error();
    assert_eq!((error.code(), error.message()), (ErrorCode::ModelNotFound, "No."));
    assert_eq!(error.parameter(), Some("model"));
}

#[test]
fn a_status_without_a_body_still_has_a_code() {
    assert_eq!(code_of(413), ErrorCode::TooLarge);
    assert_eq!(code_of(418), ErrorCode::Internal);
}

#[test]
fn loopback_is_recognized() {
    assert!(is_loopback("http://127.0.0.1:1") && is_loopback("http://[::1]:1") && is_loopback("http://localhost:1"));
    assert!(!is_loopback("http://example.com/127."));
}

#[test]
fn a_server_that_is_not_there_is_named() {
    // Bound and dropped: nobody listens on this port now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = Client::new(&format!("http://127.0.0.1:{port}/"), "k").models().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
    assert!(error.message().contains(&port.to_string()), "{error}");
}
