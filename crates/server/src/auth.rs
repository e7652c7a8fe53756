//! Who calls, and whether they may.
//!
//! A handler says by the extractor that it takes what the caller's key must permit.

use crate::error::ApiError;
use crate::notes::Notes;
use crate::state::AppState;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use std::net::SocketAddr;
use std::sync::Arc;
use yizhan_access::{Credentials, Principal, Scope};
use yizhan_domain::{Result, ReviewId};
use yizhan_gateway::Caller as Calling;

/// Longest name of a caller's program that is noted, in bytes.
const MOST_AGENT: usize = 200;

/// The header that names a review: in a request the one that lets it pass, in a reply the one that decides on it.
pub(crate) const REVIEW: &str = "x-yizhan-review";

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Is what goes over it enciphered?
    pub(crate) is_tls: bool,
}

/// Anyone with a key.
pub(crate) struct Caller(pub(crate) Principal);

/// Someone who may ask models and search.
pub(crate) struct Asker(pub(crate) Calling);

/// Someone who may change files and knowledge bases.
pub(crate) struct Editor(pub(crate) Principal);

/// Someone who may manage the whole installation.
pub(crate) struct Administrator;

/// Someone who may run the whole installation.
pub(crate) struct Operator;

/// Someone who may manage keys, projects and users of their tenant.
pub(crate) struct Manager(pub(crate) Principal);

/// Someone who may decide on what rules hold in their tenant.
pub(crate) struct Reviewer(pub(crate) Principal);

/// Someone who may read what their tenant used.
pub(crate) struct UsageReader(pub(crate) Principal);

async fn authenticate(parts: &Parts, state: &AppState) -> Result<Principal> {
    let credentials = Credentials {
        authorization: text(&parts.headers, header::AUTHORIZATION.as_str()),
        api_key: text(&parts.headers, "x-api-key"),
        peer: parts.extensions.get::<Peer>().map(|peer| peer.address.ip()),
    };
    let principal = state.access.identify(&credentials).await?;
    if let Some(notes) = parts.extensions.get::<Notes>() {
        notes.know(&principal);
    }
    Ok(principal)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What the caller's program calls itself.
pub(crate) fn user_agent(headers: &HeaderMap) -> Option<String> {
    let mut agent = text(headers, header::USER_AGENT.as_str())?.to_owned();
    agent.truncate(agent.floor_char_boundary(MOST_AGENT));
    Some(agent)
}

impl FromRequestParts<Arc<AppState>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        Ok(Self(authenticate(parts, state).await?))
    }
}

impl FromRequestParts<Arc<AppState>> for Asker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        let principal = authenticate(parts, state).await?;
        principal.require(Scope::Inference)?;
        let mut caller = match parts.extensions.get::<Notes>() {
            Some(notes) => Calling::of_call(principal, notes.call().clone()),
            None => Calling::new(principal),
        };
        caller.address = parts.extensions.get::<Peer>().map(|peer| peer.address.ip().to_string());
        caller.user_agent = user_agent(&parts.headers);
        caller.trace = parts.extensions.get::<Notes>().and_then(Notes::traced).cloned();
        let asks = text(&parts.headers, header::CACHE_CONTROL.as_str()).unwrap_or_default().to_ascii_lowercase();
        caller.cache.read = !asks.contains("no-cache") && !asks.contains("no-store");
        caller.cache.write = !asks.contains("no-store");
        caller.review = text(&parts.headers, REVIEW).map(|id| ReviewId::new(id.trim()));
        Ok(Self(caller))
    }
}

impl FromRequestParts<Arc<AppState>> for Editor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        let principal = authenticate(parts, state).await?;
        principal.require(Scope::Documents)?;
        Ok(Self(principal))
    }
}

impl FromRequestParts<Arc<AppState>> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        authenticate(parts, state).await?.require_installation(Scope::Admin)?;
        Ok(Self)
    }
}

impl FromRequestParts<Arc<AppState>> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        authenticate(parts, state).await?.require_installation(Scope::Operate)?;
        Ok(Self)
    }
}

impl FromRequestParts<Arc<AppState>> for Manager {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        let principal = authenticate(parts, state).await?;
        principal.require(Scope::Keys)?;
        Ok(Self(principal))
    }
}

impl FromRequestParts<Arc<AppState>> for UsageReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        let principal = authenticate(parts, state).await?;
        principal.require(Scope::Usage)?;
        Ok(Self(principal))
    }
}

impl FromRequestParts<Arc<AppState>> for Reviewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        let principal = authenticate(parts, state).await?;
        principal.require(Scope::Review)?;
        Ok(Self(principal))
    }
}
