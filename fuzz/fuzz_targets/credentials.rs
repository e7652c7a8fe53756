//! Keys and tokens. Nobody gets in with bytes of his own making: neither as a header, nor as a token that no issuer
//! signed, nor through what an issuer's web site says. A token that was signed counts for what it claims and no more.
#![no_main]

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use yizhan_access::{Access, Credentials, Fetch, IssuerSettings, Limits, Oidc, Principal};
use yizhan_domain::{ErrorCode, Result};
use yizhan_store::{AccountId, ManualClock, MemoryStore};

const ISSUER: &str = "https://login.example.com";
const NOW_S: i64 = 1_800_000_000;
const SETTINGS: &str = r#"
issuer = "https://login.example.com"
audience = ["yizhan"]
tenant_claim = "org"
tenants = { "org-1" = "clinic" }
project_claim = "project"
role_claim = "realm_access.roles"
roles = { builders = "developer", readers = "auditor" }
"#;

static PAIR: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key"));

/// The issuer's web site; what is given stands in the place of its own documents.
struct Site {
    discovery: Option<Vec<u8>>,
    keys: Option<Vec<u8>>,
}

#[async_trait]
impl Fetch for Site {
    async fn get(&self, url: &str) -> Result<Vec<u8>> {
        if url.ends_with("/.well-known/openid-configuration") {
            let own = || json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/certs")}).to_string().into_bytes();
            return Ok(self.discovery.clone().unwrap_or_else(own));
        }
        assert!(url.starts_with("https://") || url.starts_with("http://"), "fetches {url}");
        let x = URL_SAFE_NO_PAD.encode(PAIR.public_key());
        let own = || json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]}).to_string().into_bytes();
        Ok(self.keys.clone().unwrap_or_else(own))
    }
}

fn identify(site: Site, authorization: &str) -> Result<Principal> {
    let settings: IssuerSettings = toml::from_str(SETTINGS).expect("settings");
    let oidc = Oidc::new(vec![settings], Arc::new(site)).expect("an issuer");
    let clock = ManualClock::at(NOW_S * 1000).clock();
    let access = Access::with_clock(Arc::new(MemoryStore::new()), clock).with_oidc(oidc);
    let limits = Limits::default();
    let tenant = access.create_account(AccountId::Tenant("clinic".into()), "", &limits).now_or_never();
    tenant.expect("at once").expect("a tenant");
    let credentials = Credentials { authorization: Some(authorization), ..Credentials::default() };
    let first = access.identify(&credentials).now_or_never().expect("at once");
    let second = access.identify(&credentials).now_or_never().expect("at once");
    assert_eq!(first.as_ref().map(Principal::key).ok(), second.as_ref().map(Principal::key).ok());
    first
}

fn token(header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(PAIR.sign(message.as_bytes()));
    format!("Bearer {message}.{signature}")
}

fn good() -> (Vec<u8>, Vec<u8>) {
    let claims = json!({
        "iss": ISSUER, "aud": "yizhan", "sub": "u", "org": "org-1", "exp": NOW_S + 300,
        "realm_access": {"roles": "builders"},
    });
    (json!({"alg": "EdDSA", "kid": "k"}).to_string().into_bytes(), claims.to_string().into_bytes())
}

/// What a good token must say.
fn is_good(claims: &[u8]) -> bool {
    let claims: Value = serde_json::from_slice(claims).unwrap_or_default();
    let says = |value: &Value, word: &str| {
        value == word || value.as_array().is_some_and(|list| list.iter().any(|one| one == word))
    };
    let expires = claims["exp"].as_f64().unwrap_or_default();
    claims["iss"] == ISSUER && says(&claims["aud"], "yizhan") && expires >= (NOW_S - 60) as f64
}

fuzz_target!(|data: &[u8]| {
    let Some((what, data)) = data.split_first() else { return };
    let (header, claims) = good();
    let own = Site { discovery: None, keys: None };
    let outcome = match what % 6 {
        0 => identify(own, &String::from_utf8_lossy(data)),
        1 => identify(own, &format!("Bearer eyJ{}", String::from_utf8_lossy(data))),
        2 => {
            let outcome = identify(own, &token(data, &claims));
            // Fields that nobody reads may be anything.
            let header: Value = serde_json::from_str(&String::from_utf8_lossy(data)).unwrap_or_default();
            assert!(outcome.is_err() || header["alg"] == "EdDSA");
            return;
        }
        3 => {
            let outcome = identify(own, &token(&header, data));
            if let Ok(principal) = outcome {
                assert!(is_good(data) && principal.tenant().as_str() == "clinic");
                assert!(principal.role().is_some() && !principal.scopes().is_empty());
            }
            return;
        }
        4 => identify(
            Site { discovery: Some(data.to_vec()), keys: Some(b"{\"keys\":[]}".to_vec()) },
            &token(&header, &claims),
        ),
        // The signer's own key could stand there only by a forgery of its 256 bits.
        _ => identify(Site { discovery: None, keys: Some(data.to_vec()) }, &token(&header, &claims)),
    };
    let error = outcome.map(|principal| principal.key().clone()).expect_err("nobody gave a key");
    use ErrorCode::{InvalidApiKey, PermissionDenied, ProviderFailed};
    assert!(matches!(error.code(), InvalidApiKey | PermissionDenied | ProviderFailed), "{error}");
});
