use super::*;
use crate::{Access, Limits};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use yizhan_store::{AccountId, ManualClock, MemoryStore};

const ISSUER: &str = "https://login.example.com/realms/main";
const NOW_S: i64 = crate::contract::NOW / 1000;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// Signed with the key of this number.
fn token(key: u8, claims: &Value) -> String {
    let header = json!({"alg": "EdDSA", "kid": format!("k{key}"), "typ": "JWT"});
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = encode(pair(key).sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": ["account", "yizhan"], "sub": "auth0|5f7c", "exp": NOW_S + 300, "nbf": NOW_S,
        "org": "org-1", "project": "web", "realm_access": {"roles": ["staff", "builders", "readers"]},
    })
}

fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// The issuer's web site: its keys are 1 up to a number.
#[derive(Default)]
struct Site {
    keys: AtomicUsize,
    fetched: AtomicUsize,
    is_down: AtomicBool,
}

#[async_trait]
impl Fetch for Site {
    async fn get(&self, url: &str) -> Result<Vec<u8>> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::io("Connecting", "refused"));
        }
        let reply = match url.strip_prefix(ISSUER) {
            Some("/.well-known/openid-configuration") => {
                json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/certs")})
            }
            Some("/certs") => {
                self.fetched.fetch_add(1, Ordering::SeqCst);
                let key = |number: u8| {
                    json!({
                        "kty": "OKP", "crv": "Ed25519", "kid": format!("k{number}"), "x": encode(pair(number).public_key())
                    })
                };
                json!({"keys": (1..=self.keys.load(Ordering::SeqCst) as u8).map(key).collect::<Vec<_>>()})
            }
            _ => return Err(Error::not_found("page", url)),
        };
        Ok(reply.to_string().into_bytes())
    }
}

fn settings() -> IssuerSettings {
    toml::from_str(&format!(
        r#"
        issuer = "{ISSUER}"
        audience = ["yizhan"]
        tenant_claim = "org"
        tenants = {{ "org-1" = "clinic" }}
        project_claim = "project"
        role_claim = "realm_access.roles"
        roles = {{ builders = "developer", readers = "auditor" }}
        "#
    ))
    .unwrap()
}

struct Setting {
    access: Access,
    site: Arc<Site>,
    time: ManualClock,
}

async fn setting_with(settings: IssuerSettings) -> Setting {
    let (site, time) = (Arc::new(Site::default()), ManualClock::at(crate::contract::NOW));
    site.keys.store(1, Ordering::SeqCst);
    let oidc = Oidc::new(vec![settings], site.clone()).unwrap();
    let access = Access::with_clock(Arc::new(MemoryStore::new()), time.clock()).with_oidc(oidc);
    access.create_account(AccountId::Tenant("clinic".into()), "", &Limits::default()).await.unwrap();
    Setting { access, site, time }
}

async fn setting() -> Setting {
    setting_with(settings()).await
}

async fn login(s: &Setting, token: &str) -> Result<crate::Principal> {
    s.access.authenticate(Some(&format!("Bearer {token}"))).await
}

#[tokio::test]
async fn a_good_token_is_its_bearers() {
    let s = setting().await;
    let token = token(1, &claims());
    for _ in 0..3 {
        let principal = login(&s, &token).await.unwrap();
        assert_eq!((principal.tenant().as_str(), principal.role()), ("clinic", Some(Role::Developer)));
        assert_eq!(principal.user().map(|user| user.as_str()), Some("auth0|5f7c"));
        assert_eq!(principal.project().map(|project| project.as_str()), Some("web"));
        assert_eq!(principal.scopes(), [Scope::Inference, Scope::Documents, Scope::Usage, Scope::Audit]);
        assert!(principal.key().as_str().starts_with("oidc-"));
    }
    assert_eq!(s.site.fetched.load(Ordering::SeqCst), 1);
    s.time.advance(Duration::from_secs(359));
    login(&s, &token).await.unwrap();
    s.time.advance(Duration::from_secs(1));
    assert!(login(&s, &token).await.unwrap_err().message().contains("expired"));
}

#[tokio::test]
async fn other_tokens_are_refused() {
    let s = setting().await;
    for (claims, code, why) in [
        (with(json!({"iss": "https://evil.example.com"})), ErrorCode::InvalidApiKey, "issuer that is not configured"),
        (with(json!({"iss": null})), ErrorCode::InvalidApiKey, "issuer"),
        (with(json!({"aud": "other"})), ErrorCode::InvalidApiKey, "another service"),
        (with(json!({"aud": null})), ErrorCode::InvalidApiKey, "another service"),
        (with(json!({"exp": NOW_S - 60})), ErrorCode::InvalidApiKey, "expired"),
        (with(json!({"exp": null})), ErrorCode::InvalidApiKey, "expires"),
        (with(json!({"exp": "never"})), ErrorCode::InvalidApiKey, "expires"),
        (with(json!({"nbf": NOW_S + 61})), ErrorCode::InvalidApiKey, "not valid yet"),
        (with(json!({"org": "org-2"})), ErrorCode::PermissionDenied, "no tenant"),
        (with(json!({"sub": null})), ErrorCode::PermissionDenied, "no user"),
        (with(json!({"sub": "a b"})), ErrorCode::PermissionDenied, "no user"),
        (with(json!({"realm_access": {"roles": ["staff"]}})), ErrorCode::PermissionDenied, "none of its roles"),
    ] {
        let error = login(&s, &token(1, &claims)).await.unwrap_err();
        assert!(error.code() == code && error.message().contains(why), "{claims}: {error}");
    }
    let stolen = token(2, &claims());
    assert!(login(&s, &stolen).await.unwrap_err().message().contains("signature"));
    login(&s, &token(1, &with(json!({"exp": NOW_S - 59, "nbf": NOW_S + 60})))).await.unwrap();
}

#[tokio::test]
async fn a_disabled_tenant_or_user_is_refused_also_with_a_good_token() {
    let s = setting().await;
    let token = token(1, &claims());
    login(&s, &token).await.unwrap();
    let tenant = AccountId::Tenant("clinic".into());
    s.access.change_account(&tenant, |terms| terms.disabled = true).await.unwrap();
    assert_eq!(login(&s, &token).await.unwrap_err().code(), ErrorCode::InvalidApiKey);
    s.access.delete_account(&tenant).await.unwrap();
    assert_eq!(login(&s, &token).await.unwrap_err().code(), ErrorCode::InvalidApiKey);
}

#[tokio::test]
async fn a_new_key_is_fetched_though_not_for_every_unknown_one() {
    let s = setting().await;
    login(&s, &token(1, &claims())).await.unwrap();
    s.site.keys.store(2, Ordering::SeqCst);
    let rotated = token(2, &claims());
    for _ in 0..5 {
        assert!(login(&s, &rotated).await.is_err());
    }
    assert_eq!(s.site.fetched.load(Ordering::SeqCst), 1);
    s.time.advance(Duration::from_secs(61));
    login(&s, &rotated).await.unwrap();
    for _ in 0..5 {
        assert!(login(&s, &token(3, &claims())).await.is_err());
    }
    assert_eq!(s.site.fetched.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_issuer_that_is_down_does_not_lock_out_those_whose_keys_are_known() {
    let s = setting().await;
    s.site.is_down.store(true, Ordering::SeqCst);
    assert_eq!(login(&s, &token(1, &claims())).await.unwrap_err().code(), ErrorCode::ProviderFailed);
    s.site.is_down.store(false, Ordering::SeqCst);
    s.time.advance(Duration::from_secs(61));
    login(&s, &token(1, &claims())).await.unwrap();
    s.site.is_down.store(true, Ordering::SeqCst);
    s.time.advance(Duration::from_secs(3601));
    let later = with(json!({"exp": NOW_S + 9000}));
    login(&s, &token(1, &later)).await.unwrap();
}

#[tokio::test]
async fn a_key_is_still_a_key() {
    let s = setting().await;
    let (secret, _) = s.access.issue(&"clinic".into(), "a", &[Scope::Admin]).await.unwrap();
    login(&s, &secret).await.unwrap();
    for wrong in ["eyJ.eyJ.x", "eyJhbGciOiJub25lIn0.e30.", "eyJ"] {
        assert_eq!(login(&s, wrong).await.unwrap_err().code(), ErrorCode::InvalidApiKey);
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    type Edit = fn(&mut IssuerSettings);
    let edits: [(Edit, &str); 7] = [
        (|s| s.issuer = "http://login.example.com".into(), "issuer"),
        (|s| s.issuer = "http://localhost:1@evil.example.com".into(), "issuer"),
        (|s| s.audience.clear(), "audience"),
        (|s| s.tenant = Some("clinic".into()), "tenant"),
        (|s| s.tenant_claim = None, "tenant"),
        (|s| s.tenants.clear(), "tenants"),
        (|s| s.roles.clear(), "default_role"),
    ];
    for (edit, field) in edits {
        let mut settings = settings();
        edit(&mut settings);
        let error = settings.check().unwrap_err();
        assert_eq!(error.parameter(), Some(format!("oidc.{field}").as_str()), "{error}");
    }
    let mut local = settings();
    local.issuer = "http://127.0.0.1:8080/realms/main".into();
    local.check().unwrap();
}
