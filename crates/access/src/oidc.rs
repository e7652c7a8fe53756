//! Bearer tokens of OpenID Connect issuers: whose they are, and that they are meant for us and in time.
//!
//! It does not know HTTP: [`Fetch`] brings the issuer's documents. It does not start a login either; a
//! client brings a token that it got elsewhere.

use crate::jwt::{PublicKey, Token, key_set};
use crate::{Role, Scope, secret};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use yizhan_domain::{Error, ErrorCode, KeyId, ProjectId, Result, TenantId, UserId};

/// Keys of an issuer are fetched anew after this time, in milliseconds.
const FRESH_MS: i64 = 3_600_000;

/// They are fetched at most this often, in milliseconds, however many unknown keys are named.
const RETRY_MS: i64 = 60_000;

/// Longest user id that is taken from a token, in bytes.
const MAX_USER: usize = 200;

/// Brings a document of the web. An implementation bounds its size and the time that it takes.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The body of a successful reply to GET.
    async fn get(&self, url: &str) -> Result<Vec<u8>>;
}

/// An `[[oidc]]` of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// The issuer, exactly as its tokens name it in `iss`. Must be `https`, or `http` on this machine.
    pub issuer: String,
    /// Tokens must be for one of these (`aud`).
    pub audience: Vec<String>,
    /// The tenant of all its callers. Either this or `tenant_claim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The claim that says which tenant, through `tenants`. Claims are named by their path, e.g. `realm_access.roles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_claim: Option<String>,
    /// From the claim's values to tenants; callers with other values are refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tenants: BTreeMap<String, String>,
    /// The claim that names the project. No project unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_claim: Option<String>,
    /// The claim that names the user.
    #[serde(default = "subject_claim")]
    pub user_claim: String,
    /// The claim with the caller's groups or roles, one or a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_claim: Option<String>,
    /// From the claim's values to roles. Of several, all count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Role>,
    /// For callers to whom no value gives a role; without it they are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_role: Option<Role>,
    /// By how many seconds the issuer's clock may differ.
    #[serde(default = "leeway")]
    pub leeway_seconds: u32,
}

fn subject_claim() -> String {
    "sub".to_owned()
}

fn leeway() -> u32 {
    60
}

/// Who a token says that its bearer is.
#[derive(Debug, PartialEq)]
pub(crate) struct Identity {
    pub tenant: TenantId,
    pub project: Option<ProjectId>,
    pub user: UserId,
    pub key: KeyId,
    pub role: Option<Role>,
    pub scopes: Vec<Scope>,
    pub expires_ms: i64,
}

/// The issuers whose tokens are taken.
pub struct Oidc {
    issuers: Vec<Issuer>,
    fetch: Arc<dyn Fetch>,
}

struct Issuer {
    settings: IssuerSettings,
    keys: Mutex<Keys>,
    /// Held while the keys are fetched, so that one fetch serves all who wait.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Keys {
    keys: Arc<Vec<PublicKey>>,
    fetched_ms: Option<i64>,
    tried_ms: Option<i64>,
}

impl Oidc {
    /// `InvalidConfig` when an issuer's settings make no sense. Nothing is fetched before the first token.
    pub fn new(settings: Vec<IssuerSettings>, fetch: Arc<dyn Fetch>) -> Result<Self> {
        settings.iter().try_for_each(IssuerSettings::check)?;
        let issuer = |settings| Issuer { settings, keys: Mutex::default(), fetching: tokio::sync::Mutex::default() };
        Ok(Self { issuers: settings.into_iter().map(issuer).collect(), fetch })
    }

    /// Has it the form of a token rather than a key's? No key that is made here has.
    pub(crate) fn is_token(&self, secret: &str) -> bool {
        secret.starts_with("eyJ") && secret.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    /// Whose token it is. `InvalidApiKey` with the reason when it is not to be believed;
    /// `PermissionDenied` when it is, but gives its bearer nothing here.
    pub(crate) async fn verify(&self, text: &str, now_ms: i64) -> Result<Identity> {
        let token = Token::read(text).ok_or_else(|| refused("is malformed or signed in an unknown way"))?;
        let named = token.claims.get("iss").and_then(Value::as_str);
        let issuer = self.issuers.iter().find(|issuer| Some(issuer.settings.issuer.as_str()) == named);
        let issuer = issuer.ok_or_else(|| refused("comes from an issuer that is not configured"))?;
        // Before the keys, as these cost nothing.
        let expires_ms = issuer.settings.check_time(&token.claims, now_ms)?;
        issuer.settings.check_audience(&token.claims)?;
        issuer.check_signature(&token, self.fetch.as_ref(), now_ms).await?;
        issuer.settings.identity(&token.claims, expires_ms)
    }
}

impl Issuer {
    async fn check_signature(&self, token: &Token<'_>, fetch: &dyn Fetch, now_ms: i64) -> Result<()> {
        let keys = self.keys(fetch, now_ms, |keys| candidates(keys, token).next().is_some()).await?;
        if candidates(&keys, token).any(|key| token.is_signed_by(key)) {
            return Ok(());
        }
        Err(refused("has a signature that none of its issuer's keys made"))
    }

    /// The issuer's keys, fetched when they are old or none is wanted, though not too often.
    async fn keys(
        &self,
        fetch: &dyn Fetch,
        now_ms: i64,
        is_wanted: impl Fn(&[PublicKey]) -> bool,
    ) -> Result<Arc<Vec<PublicKey>>> {
        if let Some(keys) = self.usable(now_ms, &is_wanted) {
            return Ok(keys);
        }
        let _fetching = self.fetching.lock().await;
        if let Some(keys) = self.usable(now_ms, &is_wanted) {
            return Ok(keys);
        }
        self.state().tried_ms = Some(now_ms);
        match self.fetch_keys(fetch).await {
            Ok(keys) => {
                let mut state = self.state();
                (state.keys, state.fetched_ms) = (Arc::new(keys), Some(now_ms));
                Ok(state.keys.clone())
            }
            Err(error) => {
                tracing::warn!(issuer = %self.settings.issuer, %error, "an issuer's keys could not be fetched");
                let state = self.state();
                if state.fetched_ms.is_some() { Ok(state.keys.clone()) } else { Err(unreachable()) }
            }
        }
    }

    fn usable(&self, now_ms: i64, is_wanted: impl Fn(&[PublicKey]) -> bool) -> Option<Arc<Vec<PublicKey>>> {
        let state = self.state();
        let within = |time: Option<i64>, span: i64| time.is_some_and(|time| (0..span).contains(&(now_ms - time)));
        let is_good = within(state.fetched_ms, FRESH_MS) && is_wanted(&state.keys);
        (is_good || within(state.tried_ms, RETRY_MS)).then(|| state.keys.clone())
    }

    async fn fetch_keys(&self, fetch: &dyn Fetch) -> Result<Vec<PublicKey>> {
        let issuer = &self.settings.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let unreadable = |what: &str| Error::new(ErrorCode::ProviderFailed, format!("{url}: {what}."));
        let document: Value =
            serde_json::from_slice(&fetch.get(&url).await?).map_err(|_| unreadable("the reply is no JSON"))?;
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if text("issuer") != Some(issuer.as_str()) {
            return Err(unreadable("it describes another issuer"));
        }
        let keys =
            text("jwks_uri").filter(|url| is_safe(url)).ok_or_else(|| unreadable("it has no usable jwks_uri"))?;
        key_set(&fetch.get(keys).await?).ok_or_else(|| unreadable("its jwks_uri has no key set"))
    }

    fn state(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many keys an issuer gives. `ProviderFailed` with the reason when it describes itself wrongly or cannot be
/// reached.
pub async fn discover(settings: &IssuerSettings, fetch: &dyn Fetch) -> Result<usize> {
    settings.check()?;
    let issuer = Issuer { settings: settings.clone(), keys: Mutex::default(), fetching: tokio::sync::Mutex::default() };
    Ok(issuer.fetch_keys(fetch).await?.len())
}

/// Keys that may have signed the token.
fn candidates<'a>(keys: &'a [PublicKey], token: &'a Token<'_>) -> impl Iterator<Item = &'a PublicKey> {
    keys.iter().filter(|key| token.key_id.is_none() || key.id.is_none() || key.id == token.key_id)
}

impl IssuerSettings {
    /// `InvalidConfig` when they make no sense.
    pub fn check(&self) -> Result<()> {
        let wrong = |field: &str, what: &str| {
            let message = format!("The OIDC issuer '{}': {field} {what}.", self.issuer);
            Err(Error::new(ErrorCode::InvalidConfig, message).at(format!("oidc.{field}")))
        };
        if !is_safe(&self.issuer) {
            return wrong("issuer", "must begin with https://, or with http:// and an address of this machine");
        }
        if self.audience.is_empty() || self.audience.iter().any(String::is_empty) {
            return wrong("audience", "must name at least one audience");
        }
        if self.tenant.is_some() == self.tenant_claim.is_some() {
            return wrong("tenant", "or tenant_claim must be given, and not both");
        }
        if self.tenant_claim.is_some() && self.tenants.is_empty() {
            return wrong("tenants", "must say which value of the tenant_claim is which tenant");
        }
        if self.default_role.is_none() && (self.role_claim.is_none() || self.roles.is_empty()) {
            return wrong("default_role", "must be given, or role_claim and roles");
        }
        Ok(())
    }

    /// When the token expires, with the leeway.
    fn check_time(&self, claims: &Map<String, Value>, now_ms: i64) -> Result<i64> {
        let leeway = i64::from(self.leeway_seconds) * 1000;
        let time = |name: &str| claims.get(name).map(|value| value.as_f64().map(|seconds| (seconds * 1000.0) as i64));
        let Some(Some(expires)) = time("exp") else { return Err(refused("says not when it expires")) };
        let expires = expires.saturating_add(leeway);
        if expires <= now_ms {
            return Err(refused("has expired"));
        }
        match time("nbf") {
            Some(None) => Err(refused("is malformed")),
            Some(Some(begin)) if begin.saturating_sub(leeway) > now_ms => Err(refused("is not valid yet")),
            _ => Ok(expires),
        }
    }

    fn check_audience(&self, claims: &Map<String, Value>) -> Result<()> {
        let audiences = claims.get("aud").map(texts).unwrap_or_default();
        if audiences.iter().any(|audience| self.audience.iter().any(|own| own == audience)) {
            return Ok(());
        }
        Err(refused("is meant for another service"))
    }

    fn identity(&self, claims: &Map<String, Value>, expires_ms: i64) -> Result<Identity> {
        let one =
            |path: &str| claim(claims, path).map(texts).and_then(|texts| texts.first().map(|text| text.to_string()));
        let tenant = match (&self.tenant, &self.tenant_claim) {
            (Some(tenant), _) => Some(tenant.clone()),
            (None, Some(path)) => one(path).and_then(|value| self.tenants.get(&value).cloned()),
            (None, None) => None,
        };
        let tenant = tenant.ok_or_else(|| powerless("it belongs to no tenant here"))?;
        let is_id = |text: &String| {
            (1..=MAX_USER).contains(&text.len()) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        let user = one(&self.user_claim).filter(is_id).ok_or_else(|| powerless("it names no user"))?;
        let project = self.project_claim.as_deref().and_then(one).filter(is_id);
        let values = self.role_claim.as_deref().and_then(|path| claim(claims, path)).map(texts).unwrap_or_default();
        let mut roles: Vec<Role> = values.iter().filter_map(|value| self.roles.get(*value).copied()).collect();
        if roles.is_empty() {
            roles.extend(self.default_role);
        }
        let mut scopes: Vec<Scope> = Vec::new();
        for scope in roles.iter().flat_map(|role| role.scopes()) {
            if !scopes.contains(scope) {
                scopes.push(*scope);
            }
        }
        if scopes.is_empty() {
            return Err(powerless("none of its roles is one here"));
        }
        let hash = secret::hash(&format!("{}\n{user}", self.issuer));
        Ok(Identity {
            tenant: tenant.into(),
            project: project.map(Into::into),
            key: KeyId::new(format!("oidc-{}", &hash[..24])),
            user: user.into(),
            role: Role::ALL.iter().copied().find(|role| roles.contains(role)),
            scopes,
            expires_ms,
        })
    }
}

/// The claim at a path such as `realm_access.roles`; a claim of the whole name comes first, as some
/// issuers name theirs by URLs.
fn claim<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut parts = path.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// A text, or each of a list.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Can nobody on the way change what it brings?
fn is_safe(url: &str) -> bool {
    let local = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
    let is_local =
        |start: &str| url.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']));
    !url.contains('@')
        && (url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) || local.into_iter().any(is_local))
}

fn refused(why: &str) -> Error {
    Error::new(ErrorCode::InvalidApiKey, format!("The token {why}. Sign in again, or ask an administrator."))
}

fn powerless(why: &str) -> Error {
    let message = format!("The token is good, but {why}. Ask an administrator.");
    Error::new(ErrorCode::PermissionDenied, message)
}

fn unreachable() -> Error {
    let message = "The issuer of the token cannot be reached, so that the token cannot be checked. Retry later.";
    Error::new(ErrorCode::ProviderFailed, message)
}

#[cfg(test)]
#[path = "oidc_tests.rs"]
mod tests;
