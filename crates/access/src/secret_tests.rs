use super::*;
use proptest::prelude::*;

#[test]
fn secrets_are_long_presentable_and_different() {
    let (one, other) = (generate().unwrap(), generate().unwrap());
    assert_eq!(one.len(), 3 + 64);
    assert!(is_presentable(&one) && one.starts_with("yz-"));
    assert_ne!(one, other);
}

#[test]
fn the_hash_is_sha_256() {
    assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn headers() {
    for (header, secret) in [("Bearer yz-1", "yz-1"), ("bearer  yz-1", "yz-1"), (" BEARER yz-1 ", "yz-1")] {
        assert_eq!(of_header(Some(header)).unwrap(), secret);
    }
    let too_long = format!("Bearer {}", "k".repeat(9000));
    let refused = [
        None,
        Some(""),
        Some(" "),
        Some("yz-1"),
        Some("Bearer"),
        Some("Bearer "),
        Some("Basic eXo="),
        Some("Bearer a b"),
        Some("Bearer 驿站"),
        Some(too_long.as_str()),
    ];
    for header in refused {
        let error = of_header(header).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidApiKey, "{header:?}");
        assert!(error.message().contains("Authorization: Bearer"), "{error}");
    }
}

#[test]
fn the_other_header_counts_when_the_first_is_missing() {
    assert_eq!(presented(None, Some(" yz-1 ")).unwrap(), "yz-1");
    assert_eq!(presented(Some("Bearer yz-2"), Some("yz-1")).unwrap(), "yz-2");
    for (authorization, api_key) in [(Some("Basic eA=="), Some("yz-1")), (None, Some("two words")), (None, None)] {
        assert_eq!(presented(authorization, api_key).unwrap_err().code(), ErrorCode::InvalidApiKey);
    }
}

proptest! {
    #[test]
    fn any_header_is_a_presentable_secret_or_an_error(header in ".*") {
        if let Ok(secret) = of_header(Some(&header)) {
            prop_assert!(is_presentable(secret) && header.contains(secret));
        }
    }
}
