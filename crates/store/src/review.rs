//! What rules hold until a person has looked at it: questions before they go to a model, answers before
//! they reach their caller.
//!
//! It does not know rules, who may decide, or what follows from a decision.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use yizhan_domain::{CallId, Error, ErrorCode, KeyId, ModelName, ProjectId, Result, ReviewId, TenantId, UserId};

use crate::Page;

/// Characters of an item's text that a list shows.
pub const REVIEW_PREVIEW: usize = 200;

macro_rules! words {
    ($( #[doc = $doc:literal] $name:ident { $( $(#[doc = $each:literal])+ $variant:ident = $word:literal, )* } )*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $( $(#[doc = $each])+ $variant, )* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word that is kept and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The one of that word.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    )*};
}

words! {
    /// Which way it was going.
    ReviewSide {
        /// To a model.
        Input = "input",
        /// From a model.
        Output = "output",
    }
    /// How far it has come.
    ReviewState {
        /// Nobody has decided yet.
        Waiting = "waiting",
        /// It may go on as it is.
        Approved = "approved",
        /// It may go on with another text.
        Edited = "edited",
        /// It may not go on.
        Rejected = "rejected",
        /// Nobody decided in time.
        Expired = "expired",
    }
}

/// Something to be held.
#[derive(Clone, Debug, PartialEq)]
pub struct NewReview {
    /// The call that it was found in.
    pub call: CallId,
    /// Whose.
    pub tenant: TenantId,
    /// The tenant's project.
    pub project: Option<ProjectId>,
    /// The person or service.
    pub user: Option<UserId>,
    /// The key's public id.
    pub key: KeyId,
    /// Which way it was going.
    pub side: ReviewSide,
    /// The model that was asked for.
    pub model: ModelName,
    /// The rules that found something, the one that holds it first.
    pub rules: Vec<String>,
    /// What the rule says about it.
    pub message: String,
    /// Equal for requests that are the same; empty for answers, which are never asked for again.
    pub digest: String,
    /// What is decided on: a question, or an answer's text.
    pub text: String,
    /// All of it, as whoever holds it wrote it.
    pub held: Value,
    /// Is nothing missing at its end?
    pub complete: bool,
}

/// Who decided what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// The key with which it was done.
    pub by: KeyId,
    /// The person whose key it is.
    pub user: Option<UserId>,
    /// What the person said about it.
    pub note: String,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on as it is.
    Approve,
    /// It may go on with this text in the place of its own.
    Edit(String),
    /// It may not go on.
    Reject,
}

impl Verdict {
    /// The state that follows.
    pub const fn state(&self) -> ReviewState {
        match self {
            Verdict::Approve => ReviewState::Approved,
            Verdict::Edit(_) => ReviewState::Edited,
            Verdict::Reject => ReviewState::Rejected,
        }
    }
}

/// A decision that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The key with which it was done.
    pub by: KeyId,
    /// The person whose key it is.
    pub user: Option<UserId>,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// What the person said about it.
    pub note: String,
    /// The text in the place of its own.
    pub edited: Option<String>,
}

/// The one call that an approval lets pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Which call.
    pub call: CallId,
    /// When it took the approval; once it is done, when it had used it up. Milliseconds since 1970.
    pub at_ms: i64,
    /// Is the approval used up? Not while the call goes on: it gives the approval back when it fails.
    pub is_done: bool,
}

/// Something that is held, or was.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// What it is. After it expired, and [`ReviewStore::tidy_reviews`] came by, its texts are gone.
    pub item: NewReview,
    /// How far it has come.
    pub state: ReviewState,
    /// When it was held, milliseconds since 1970.
    pub created_ms: i64,
    /// While it waits, until when somebody may decide; then, until when the decision counts.
    pub expires_ms: i64,
    /// Is that time over?
    pub over: bool,
    /// The decision; none before there is one.
    pub decided: Option<Decided>,
    /// The call that has the approval, or had it; none while there is one to be had.
    pub used: Option<Use>,
}

impl Review {
    /// Why it cannot be decided on now; none when it can.
    pub fn undecidable(&self) -> Option<Error> {
        let what = match (self.state, &self.decided) {
            (ReviewState::Waiting, _) => return None,
            (state, Some(decided)) => format!("was {} by {} already", state.as_str(), decided.by),
            (_, None) => "has expired: nobody decided in time, and its caller must ask again".to_owned(),
        };
        Some(Error::new(ErrorCode::Conflict, format!("The review {} {what}.", self.id)))
    }

    /// Why it lets no call pass now; none when it lets one.
    pub fn unusable(&self) -> Option<Error> {
        let Self { id, .. } = self;
        let error = match (&self.used, self.state) {
            (Some(Use { call, is_done: true, .. }), _) => {
                let message = format!(
                    "The review {id} has let its one call pass, {call}. Send the request without the header \
                     x-yizhan-review, to have it held for a review of its own."
                );
                Error::new(ErrorCode::ApprovalUsed, message)
            }
            (Some(Use { call, .. }), _) => {
                let message =
                    format!("The review {id} lets one call pass, and {call} has begun: should that fail, try again.");
                Error::new(ErrorCode::Conflict, message).retry_after(Duration::from_secs(1))
            }
            (None, ReviewState::Approved | ReviewState::Edited) if !self.over => return None,
            (None, state) => {
                let over = if self.over { ", and its time is over" } else { "" };
                let message = format!("The review {id} lets no call pass: it is {}{over}.", state.as_str());
                Error::new(ErrorCode::Conflict, message)
            }
        };
        Some(error.under_review(id.clone()))
    }
}

/// Which items are listed. None is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewFilter {
    /// In this state.
    pub state: Option<ReviewState>,
    /// Going this way.
    pub side: Option<ReviewSide>,
    /// For this model.
    pub model: Option<ModelName>,
    /// By this key.
    pub key: Option<KeyId>,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
}

impl ReviewFilter {
    /// Is the item asked for?
    pub fn matches(&self, review: &Review) -> bool {
        self.state.is_none_or(|state| state == review.state)
            && self.side.is_none_or(|side| side == review.item.side)
            && self.model.as_ref().is_none_or(|model| *model == review.item.model)
            && self.key.as_ref().is_none_or(|key| *key == review.item.key)
    }
}

/// What waits, of all tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many items.
    pub waiting: u64,
    /// When the oldest of them was held, milliseconds since 1970.
    pub oldest_ms: Option<i64>,
}

/// Keeps what is held. Time alone ends it: what nobody decides on expires when its time is over, whether
/// [`tidy_reviews`](ReviewStore::tidy_reviews) has come by or not.
#[async_trait]
pub trait ReviewStore: Send + Sync {
    /// Puts an item into the queue, to be decided on within `wait`. A request that waits already (same tenant,
    /// project, key and digest) is not put there twice: its id is given again. None when `most_waiting` items of
    /// the tenant wait.
    async fn hold(&self, item: NewReview, wait: Duration, most_waiting: u64) -> Result<Option<ReviewId>>;

    /// The tenant's item of that id.
    async fn review(&self, tenant: &TenantId, id: &ReviewId) -> Result<Option<Review>>;

    /// The tenant's items, newest first unless asked otherwise, without `held` and with the first
    /// [`REVIEW_PREVIEW`] characters of `text`, of the edited one too. `InvalidRequest` when the page begins after an
    /// item that the tenant does not have.
    async fn reviews(&self, tenant: &TenantId, filter: &ReviewFilter, page: Page) -> Result<Vec<Review>>;

    /// Decides on an item that waits; the decision counts for `good_for`. `NotFound` when the tenant has no such
    /// item, `Conflict` when it was decided on already or has expired.
    async fn decide(&self, tenant: &TenantId, id: &ReviewId, decision: Decision, good_for: Duration) -> Result<Review>;

    /// Takes an approval, as it is or edited, for one call: of several that ask at once one gets it. Until
    /// [`end_use`](ReviewStore::end_use) it is that call's. `NotFound` when the tenant has no such item,
    /// `ApprovalUsed` when a call has used it up, `Conflict` when another call has it, and when it is no approval
    /// that counts.
    async fn begin_use(&self, tenant: &TenantId, id: &ReviewId, call: &CallId) -> Result<Review>;

    /// The call that has the approval is over: it is used up when `is_done`, otherwise another may have it. Does nothing
    /// when that call has it not, or used it up before.
    async fn end_use(&self, tenant: &TenantId, id: &ReviewId, call: &CallId, is_done: bool) -> Result<()>;

    /// Gives back what calls have that a process left behind when it died. Only to be done while no call goes on.
    async fn free_uses(&self) -> Result<()>;

    /// What waits, of all tenants.
    async fn backlog(&self) -> Result<Backlog>;

    /// Removes the texts of what expired undecided, and everything that was held longer ago than `keep` and is
    /// over. Returns how many items went.
    async fn tidy_reviews(&self, keep: Duration) -> Result<u64>;
}

/// There is no such item, or none of this tenant.
pub fn no_review(id: &ReviewId) -> Error {
    Error::not_found("review", id)
}
