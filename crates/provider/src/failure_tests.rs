use super::{Failure, pause, span};
use crate::vendor;
use crate::{VendorName, failure::LONGEST_PAUSE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::{Duration, SystemTime};
use yizhan_domain::{Error, ErrorCode};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    pairs.iter().map(pair).collect()
}

fn refused(status: u16, body: &str) -> Error {
    let status = StatusCode::from_u16(status).unwrap();
    Failure::refused(status, &HeaderMap::new(), body.as_bytes()).tell("p", vendor::of(VendorName::Compatible))
}

#[test]
fn the_pause_is_read_from_whichever_header_says_it() {
    for (pairs, wanted) in [
        (vec![("retry-after", "7")], Some(7_000)),
        (vec![("retry-after", "0.5")], Some(500)),
        (vec![("retry-after-ms", "250"), ("retry-after", "7")], Some(250)),
        (vec![("retry-after", "soon")], None),
        (vec![("retry-after", "-1")], None),
        (vec![("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")], Some(360_000)),
        (vec![("x-ratelimit-remaining-tokens", "5"), ("x-ratelimit-reset-tokens", "6m0s")], None),
        (vec![("retry-after", "1e300")], None),
        (vec![], None),
    ] {
        let got = pause(&headers(&pairs)).map(|wait| wait.as_millis());
        assert_eq!(got, wanted, "{pairs:?}");
    }
    assert_eq!(pause(&headers(&[("retry-after", "99999999")])), Some(LONGEST_PAUSE));
}

#[test]
fn a_date_is_a_pause_too() {
    let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
    let wait = pause(&headers(&[("retry-after", &later)])).unwrap();
    assert!((90..=100).contains(&wait.as_secs()), "{wait:?}");
    let past = pause(&headers(&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")]));
    assert_eq!(past, Some(Duration::ZERO));
}

#[test]
fn spans_are_read() {
    for (text, wanted) in [("6m0s", Some(360.0)), ("1.5s", Some(1.5)), ("20ms", Some(0.02)), ("1h2m", Some(3720.0))] {
        assert_eq!(span(text).map(|wait| wait.as_secs_f64()), wanted, "{text}");
    }
    for text in ["s", "1x", "1..2s", "."] {
        assert_eq!(span(text), None, "{text}");
    }
}

#[test]
fn each_status_has_its_code() {
    for (status, code) in [
        (400, ErrorCode::InvalidRequest),
        (401, ErrorCode::ProviderFailed),
        (404, ErrorCode::ProviderFailed),
        (413, ErrorCode::TooLarge),
        (422, ErrorCode::InvalidRequest),
        (429, ErrorCode::RateLimited),
        (500, ErrorCode::ProviderFailed),
        (503, ErrorCode::Overloaded),
        (504, ErrorCode::Timeout),
        (529, ErrorCode::Overloaded),
    ] {
        assert_eq!(refused(status, "not json").code(), code, "{status}");
    }
}

#[test]
fn long_texts_are_cut_and_parameters_kept() {
    let body = serde_json::json!({"error": {"message": "长".repeat(2000) + ".", "param": "top_p"}}).to_string();
    let error = refused(400, &body);
    assert!(error.message().chars().count() < 600 && error.message().ends_with("…."), "{error}");
    assert_eq!(error.parameter(), Some("top_p"));
}

#[test]
fn too_long_a_prompt_is_known_by_its_sentence_where_it_has_no_code() {
    for said in ["prompt is too long: 250000 tokens > 200000 maximum", "Range of input length should be [1, 30720]"] {
        let body = serde_json::json!({"error": {"message": said, "type": "invalid_request_error"}}).to_string();
        assert_eq!(refused(400, &body).code(), ErrorCode::ContextLengthExceeded, "{said}");
    }
}
