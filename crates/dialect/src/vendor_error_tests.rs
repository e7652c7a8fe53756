use super::VendorError;

#[test]
fn every_form_of_an_error_is_read() {
    for (body, message, kind, code) in [
        (r#"{"error":{"message":"m","type":"t","param":null,"code":"c"}}"#, "m", "t", "c"),
        (r#"{"error":{"code":"1301","message":"敏感"}}"#, "敏感", "", "1301"),
        (r#"{"error":{"message":"m","code":404}}"#, "m", "", "404"),
        (r#"{"error":"model 'x' not found"}"#, "model 'x' not found", "", ""),
        (r#"{"object":"error","message":"m","type":"BadRequestError","code":400}"#, "m", "BadRequestError", "400"),
        (r#"{"code":"InvalidApiKey","message":"m","request_id":"r"}"#, "m", "", "InvalidApiKey"),
        (r#"{"code":20012,"message":"m","data":null}"#, "m", "", "20012"),
        (r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#, "m", "overloaded_error", ""),
        (r#"{"detail":"Not Found"}"#, "Not Found", "", ""),
        (r#""Invalid token""#, "Invalid token", "", ""),
    ] {
        let error = VendorError::read(body.as_bytes()).unwrap_or_else(|| panic!("{body} is an error"));
        assert_eq!((error.message.as_str(), error.kind.as_str(), error.code.as_str()), (message, kind, code), "{body}");
    }
}

#[test]
fn what_holds_no_error_is_none() {
    for body in ["", "<html>", "[]", "1", r#"{"choices":[]}"#, r#"{"error":null,"choices":[]}"#] {
        assert_eq!(VendorError::read(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn the_parameter_is_kept() {
    let error = VendorError::read(br#"{"error":{"message":"m","param":"messages[0].role"}}"#).unwrap();
    assert_eq!(error.parameter.as_deref(), Some("messages[0].role"));
}
