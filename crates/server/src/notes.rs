//! What is noted of a request for the audit when no model was asked: refusals before the gateway, and
//! everything that changes something.
//!
//! It does not know how notes are kept: the backend does. Calls that reached the gateway are noted there.

use crate::auth::{Peer, user_agent};
use crate::error::Unnoted;
use crate::state::AppState;
use crate::{middleware, trace};
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use yizhan_access::Principal;
use yizhan_domain::{CallId, ErrorCode, TenantId};
use yizhan_telemetry::{LogIds, Outgoing, Traced, with_ids};

/// The routes that the gateway notes itself once it has the call; searches too.
const OF_GATEWAY: [&str; 7] = [
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/messages",
    "/v1/moderations",
    "/v1/rerank",
    "/v1/responses",
    "/v2/rerank",
];

/// Is this the path of a search in a knowledge base?
pub fn is_search(path: &str) -> bool {
    path.strip_prefix("/v1/vector_stores/")
        .and_then(|rest| rest.strip_suffix("/search"))
        .is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

/// What is known of a request while it is answered. Cheap to clone; all clones are the same notes.
#[derive(Clone, Debug)]
pub(crate) struct Notes(Arc<Known>);

#[derive(Debug)]
struct Known {
    ids: Arc<LogIds>,
    traced: Option<Traced>,
    principal: OnceLock<Principal>,
}

impl Notes {
    fn of(state: &AppState, request: &Request) -> Self {
        let call = CallId::random();
        let traced = trace::begin(state, request, &call);
        let ids = Arc::new(trace::ids(request, call, traced.as_ref()));
        Self(Arc::new(Known { ids, traced, principal: OnceLock::new() }))
    }

    /// The call's id.
    pub(crate) fn call(&self) -> &CallId {
        &self.0.ids.call
    }

    /// The request's trace.
    pub(crate) fn traced(&self) -> Option<&Traced> {
        self.0.traced.as_ref()
    }

    /// What the request's log lines have in common.
    pub(crate) fn ids(&self) -> &Arc<LogIds> {
        &self.0.ids
    }

    /// Whose request it is, if the caller was recognised.
    pub(crate) fn tenant(&self) -> Option<&TenantId> {
        self.0.principal.get().map(Principal::tenant)
    }

    /// The caller was recognised.
    pub(crate) fn know(&self, principal: &Principal) {
        let _ = self.0.principal.set(principal.clone());
    }
}

/// One request that the gateway did not note.
#[derive(Clone, Debug)]
pub struct Note {
    /// Its id.
    pub call: CallId,
    /// Who called; none when nobody was recognised.
    pub principal: Option<Principal>,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status of the reply.
    pub status: u16,
    /// Why it was refused or failed, if it was.
    pub error: Option<ErrorCode>,
    /// The network address.
    pub address: Option<String>,
    /// What the caller's program calls itself.
    pub user_agent: Option<String>,
    /// How long it took, milliseconds.
    pub total_ms: u32,
    /// What was made or changed: the fields that were given, and the `id` where the path does not name it.
    /// Without secrets.
    pub change: Option<Value>,
}

/// An extension of replies: what was changed, for the note of it.
#[derive(Clone, Debug)]
struct Changed(Value);

/// A change larger than this is noted without its fields, in bytes.
const MOST_CHANGE: usize = 16 << 10;

/// The reply of a change that is to be noted with what was asked for, which has no secret in it.
pub(crate) fn noting(mut response: Response, made: Option<&str>, mut asked: Value) -> Response {
    if asked.to_string().len() > MOST_CHANGE {
        asked = serde_json::json!({"cut": true});
    }
    if let (Some(id), Value::Object(fields)) = (made, &mut asked) {
        fields.insert("id".to_owned(), id.into());
    }
    response.extensions_mut().insert(Changed(asked));
    response
}

/// Runs the rest of the way and notes what nobody else will.
pub(crate) async fn around(
    state: &AppState,
    mut request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let began = Instant::now();
    let notes = Notes::of(state, &request);
    let span = trace::span(notes.traced(), &request, began);
    request.extensions_mut().insert(notes.clone());
    let facts = Facts::of(&request);
    let ids = Arc::clone(&notes.0.ids);
    let outgoing = notes.traced().map(Traced::outgoing);
    let response = with_ids(ids, async {
        let response = Outgoing::along(outgoing, next(request)).await;
        if is_worth_a_note(&facts, response.extensions().get().copied()) {
            state.chat.note(facts.note(&notes, &response, began)).await;
        }
        response
    });
    let mut response = trace::answered(span, &notes.0.ids, response.await);
    if middleware::is_logged() {
        response.extensions_mut().insert(notes);
    }
    response
}

/// Everything that changes something, and calls of models that were refused before the gateway had them. Of
/// what only reads, those whom it was refused to.
fn is_worth_a_note(facts: &Facts, refused: Option<Unnoted>) -> bool {
    if matches!(facts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return refused
            .is_some_and(|Unnoted(code)| matches!(code, ErrorCode::InvalidApiKey | ErrorCode::PermissionDenied));
    }
    let path = facts.uri.path();
    refused.is_some() || !(OF_GATEWAY.contains(&path) || is_search(path))
}

struct Facts {
    method: Method,
    uri: axum::http::Uri,
    peer: Option<Peer>,
    user_agent: Option<String>,
}

impl Facts {
    fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            peer: request.extensions().get().copied(),
            user_agent: user_agent(request.headers()),
        }
    }

    fn note(self, notes: &Notes, response: &Response, began: Instant) -> Note {
        Note {
            call: notes.call().clone(),
            principal: notes.0.principal.get().cloned(),
            method: self.method.to_string(),
            path: self.uri.path().to_owned(),
            status: response.status().as_u16(),
            error: response.extensions().get::<Unnoted>().map(|unnoted| unnoted.0),
            address: self.peer.map(|peer| peer.address.ip().to_string()),
            user_agent: self.user_agent,
            total_ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
            change: response.extensions().get::<Changed>().map(|changed| changed.0.clone()),
        }
    }
}
