//! Tokens are signed here with ring's own keys; the RSA one was made with OpenSSL, for this test alone.
use super::*;
use ::ring::rand::SystemRandom;
use ::ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use proptest::prelude::*;
use serde_json::json;

const RSA_MODULUS: &str = concat!(
    "jWz9EiH50yyEh2hAk_SqzftaipUNEkUdUpfoh0qQnUkOGTKSiwpDUAU4_0ITez7ReUZK4IHbK0H_tLnQiqdalLdQ6qZ6099yFvzf",
    "RyoQnaSLhBQJeh3uxtFPIBObMQEMZw0tETt0bWxqeSjTLBBLdAEWNKnnv951EHRZ1T7fpxi4h-uW_I3-WZ9Yg9BghftiVdPd6lni",
    "_O-7as0L3RA_IT28R3Ffs85k7WncLsf_cfcwbawAiJUKwqEp64Pfc7v8QOiK0I__SEFR5T7mgM3Wfpv4Yq8J3tDHc4iHX4ueFfTB",
    "EGUPv2z746w4UhHdfGy9OuCbdZWeCoC2MSjE5honXQ",
);
const RSA_TOKEN: &str = concat!(
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InIxIn0.eyJzdWIiOiJsaSJ9.O0s2ekWu8sEj1AkaVgxMbiPC4QeBceuBZTq0CTt1Gc_I3vs",
    "0dsVG5AWj7cphZSHmh8-vTqFMYJ8uWKNZuXUZP-T6JseUXqQguXKHCz8XK6ENPzB7vXUIH1MM34ZaSiEppgXoeEZ5_UghOLsrSOL",
    "W6JiUgS9cFPRIbE57kNS1hZgJMp0lG4V2TVKiUZjPAvRrsD0KCBZNgQ3v8_WCpmntWHm23-9K0iCccD5KZWy9cl0OM8eXab6B6y6",
    "o5s_q5siRcRJtofExU0P04fKPmyZ5kXWaZKIODC47pCef2qOAecqToZbk2BmdGBBkdzxTl40pEW-uvSvtpjKC1ln9ymd_3g",
);

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn keys(key: Value) -> Vec<PublicKey> {
    key_set(json!({"keys": [key]}).to_string().as_bytes()).unwrap()
}

fn signed(header: Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", encode(header.to_string()), encode(r#"{"sub":"li"}"#));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", encode(signature))
}

fn ed25519() -> (Vec<PublicKey>, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "e1", "use": "sig", "x": encode(pair.public_key())});
    let token = signed(json!({"alg": "EdDSA", "kid": "e1"}), |message| pair.sign(message).as_ref().to_vec());
    (keys(key), token)
}

fn p256() -> (Vec<PublicKey>, String) {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
    let point = pair.public_key().as_ref();
    let key = json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])});
    let token = signed(json!({"alg": "ES256"}), |message| pair.sign(&random, message).unwrap().as_ref().to_vec());
    (keys(key), token)
}

fn rsa_key(more: Value) -> Vec<PublicKey> {
    let mut key = json!({"kty": "RSA", "kid": "r1", "n": RSA_MODULUS, "e": "AQAB"});
    key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    keys(key)
}

fn is_good(token: &str, keys: &[PublicKey]) -> bool {
    Token::read(token).is_some_and(|token| keys.iter().any(|key| token.is_signed_by(key)))
}

#[test]
fn signatures_of_each_kind() {
    for (keys, token) in [ed25519(), p256(), (rsa_key(json!({})), RSA_TOKEN.to_owned())] {
        assert!(is_good(&token, &keys), "{token}");
        assert_eq!(Token::read(&token).unwrap().claims["sub"], "li");
        // Each other claim, key or signature is refused.
        let (head, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = head.split_once('.').unwrap();
        let forged = format!("{header}.{}.{signature}", encode(r#"{"sub":"ma"}"#));
        assert!(
            !is_good(&forged, &keys)
                && !is_good(&format!("{head}.AAAA"), &keys)
                && !is_good(&format!("{head}."), &keys)
        );
    }
    assert!(!is_good(&ed25519().1, &p256().0) && !is_good(&p256().1, &p256().0) && !is_good(RSA_TOKEN, &ed25519().0));
}

#[test]
fn a_key_is_for_what_its_set_says() {
    assert!(is_good(RSA_TOKEN, &rsa_key(json!({"alg": "RS256", "use": "sig"}))));
    assert!(!is_good(RSA_TOKEN, &rsa_key(json!({"alg": "PS256"}))));
    assert!(rsa_key(json!({"use": "enc"})).is_empty());
    assert!(keys(json!({"kty": "oct", "k": "AAAA"})).is_empty());
    assert!(keys(json!({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"})).is_empty());
    for no_set in ["", "[]", "{}", r#"{"keys": 1}"#] {
        assert_eq!(key_set(no_set.as_bytes()), None);
    }
}

#[test]
fn unsigned_and_shared_secret_tokens_are_refused() {
    for algorithm in ["none", "HS256", "rs256", ""] {
        assert!(Token::read(&signed(json!({"alg": algorithm}), |_| vec![1])).is_none(), "{algorithm}");
    }
    assert!(Token::read(&signed(json!({"alg": "RS256", "crit": ["b64"]}), |_| vec![1])).is_none());
}

proptest! {
    #[test]
    fn any_text_is_no_good_token(text in "[A-Za-z0-9_.=-]{0,60}|.{0,40}") {
        prop_assert!(!is_good(&text, &ed25519().0));
    }

    #[test]
    fn a_token_with_another_byte_is_refused(at: prop::sample::Index, to in "[A-Za-z0-9_-]") {
        let (keys, token) = ed25519();
        let at = at.index(token.len());
        prop_assume!(token[at..=at] != to && &token[at..=at] != ".");
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assert!(!is_good(&changed, &keys));
    }

    #[test]
    fn any_key_set_is_read_or_refused(json in r#"\{"keys":\[(\{"kty":"(RSA|EC|OKP)"(,"(n|e|x|y|crv)":"[A-Za-z0-9-]{0,8}")*\})?\]\}"#) {
        for key in key_set(json.as_bytes()).unwrap_or_default() {
            prop_assert!(!Token::read(RSA_TOKEN).unwrap().is_signed_by(&key));
        }
    }
}
