//! The queue of what rules hold for a person: what may be put there, and decided, within which bounds. Nobody lets a
//! call of their own pass.
//!
//! It does not know calls, nor which keys may decide.

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use yizhan_access::Principal;
use yizhan_domain::{CallId, Error, ErrorCode, KeyId, Result, ReviewId, TenantId};
use yizhan_store::{Backlog, Decision, NewReview, Page, Review, ReviewFilter, ReviewStore, Verdict, no_review};

const HOUR: u64 = 3600;
/// Longest note, in characters.
const MOST_NOTE: usize = 2000;
/// The guard keeps no more of an answer that a rule withholds.
const MOST_KIB: u64 = 4096;

/// Bounds of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReviewSettings {
    /// How long an item waits for a decision, hours.
    pub wait_hours: u32,
    /// How long a decision counts, hours.
    pub use_hours: u32,
    /// Waiting items of one tenant; beyond that calls are blocked.
    pub most_waiting: u64,
    /// Most KiB of text of one item; what is longer is blocked.
    pub most_kib: u64,
    /// After how many days items are forgotten.
    pub keep_days: u32,
    /// May whoever made a call approve what it is about?
    pub self_approval: bool,
}

impl Default for ReviewSettings {
    fn default() -> Self {
        Self { wait_hours: 24, use_hours: 24, most_waiting: 1000, most_kib: 256, keep_days: 30, self_approval: false }
    }
}

impl ReviewSettings {
    /// `InvalidConfig` when a bound is none, or beyond what can be kept.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(Error::new(ErrorCode::InvalidConfig, format!("[review]: {what}.")));
        if self.wait_hours == 0 || self.use_hours == 0 || self.keep_days == 0 {
            return wrong("wait_hours, use_hours and keep_days must be at least 1");
        }
        if !(1..=MOST_KIB).contains(&self.most_kib) {
            return wrong(&format!("most_kib must be 1 to {MOST_KIB}"));
        }
        Ok(())
    }
}

/// The queue. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Reviews(Arc<Inner>);

struct Inner {
    store: Arc<dyn ReviewStore>,
    settings: RwLock<ReviewSettings>,
    backlog: RwLock<Backlog>,
    /// The key with which this machine's command line asks the server.
    operator: RwLock<Option<KeyId>>,
}

impl Reviews {
    /// Over a store.
    pub fn new(store: Arc<dyn ReviewStore>, settings: ReviewSettings) -> Self {
        let (settings, backlog, operator) = (RwLock::new(settings), RwLock::default(), RwLock::default());
        Self(Arc::new(Inner { store, settings, backlog, operator }))
    }

    /// Who has this key is the operator at the command line: they hold the data folder, so that no rule of ours keeps
    /// anything from them.
    pub fn set_operator(&self, key: KeyId) {
        *self.0.operator.write() = Some(key);
    }

    /// Other bounds from now on. What is there keeps its times.
    pub fn set_settings(&self, settings: ReviewSettings) {
        *self.0.settings.write() = settings;
    }

    /// The bounds.
    pub fn settings(&self) -> ReviewSettings {
        *self.0.settings.read()
    }

    /// What waited when it was last looked: after each change here, and each [`Reviews::tidy`].
    pub fn backlog(&self) -> Backlog {
        *self.0.backlog.read()
    }

    /// Puts an item into the queue, or says in a sentence why it cannot be.
    pub(crate) async fn hold(&self, item: NewReview) -> Result<std::result::Result<ReviewId, String>> {
        let settings = self.settings();
        let bytes = item.text.len() as u64 + item.held.to_string().len() as u64;
        if bytes > settings.most_kib << 10 {
            return Ok(Err(format!(
                "It is longer than the {} KiB that can be held for a person, and is blocked: make it shorter.",
                settings.most_kib
            )));
        }
        let wait = Duration::from_secs(u64::from(settings.wait_hours) * HOUR);
        let held = self.0.store.hold(item, wait, settings.most_waiting).await?;
        self.look().await;
        Ok(held.ok_or_else(|| {
            "As many wait for a person already as may, so it is blocked: try again when some are decided.".to_owned()
        }))
    }

    /// The tenant's item of that id; `NotFound` when it has none.
    pub async fn get(&self, tenant: &TenantId, id: &ReviewId) -> Result<Review> {
        self.0.store.review(tenant, id).await?.ok_or_else(|| no_review(id))
    }

    /// The caller's own item, held from a call with the same key and for the same project. `NotFound` also for those
    /// of others, and for those whose decision counts no more.
    pub async fn of_caller(&self, principal: &Principal, id: &ReviewId) -> Result<Review> {
        let review = self.get(principal.tenant(), id).await?;
        let gone = review.over && review.decided.is_some();
        if gone || !is_of(&review, principal) { Err(no_review(id)) } else { Ok(review) }
    }

    /// The tenant's items, see [`ReviewStore::reviews`].
    pub async fn list(&self, tenant: &TenantId, filter: &ReviewFilter, page: Page) -> Result<Vec<Review>> {
        self.0.store.reviews(tenant, filter, page).await
    }

    /// Decides on an item. `NotFound` when the tenant has none of that id, `Conflict` when it waits no more,
    /// `InvalidRequest` when a text is empty or too long, `PermissionDenied` when it may only go on by the word of
    /// another person.
    pub async fn decide(
        &self,
        by: &Principal,
        tenant: &TenantId,
        id: &ReviewId,
        verdict: Verdict,
        note: String,
    ) -> Result<Review> {
        let settings = self.settings();
        if let Verdict::Edit(text) = &verdict
            && (text.trim().is_empty() || text.len() as u64 > settings.most_kib << 10)
        {
            let what = format!("Give a text of at most {} KiB; to leave nothing of it, reject it.", settings.most_kib);
            return Err(Error::invalid("text", what));
        }
        if note.chars().count() > MOST_NOTE {
            return Err(Error::invalid("note", format!("A note has at most {MOST_NOTE} characters.")));
        }
        if verdict != Verdict::Reject && !settings.self_approval && !self.is_operator(by) {
            another(by, &self.get(tenant, id).await?)?;
        }
        let decision = Decision { verdict, by: by.key().clone(), user: by.user().cloned(), note };
        let good_for = Duration::from_secs(u64::from(settings.use_hours) * HOUR);
        let decided = self.0.store.decide(tenant, id, decision, good_for).await;
        self.look().await;
        decided
    }

    fn is_operator(&self, by: &Principal) -> bool {
        by.is_local() || self.0.operator.read().as_ref() == Some(by.key())
    }

    /// Takes an approval for one call; see [`ReviewStore::begin_use`].
    pub(crate) async fn begin_use(&self, tenant: &TenantId, id: &ReviewId, call: &CallId) -> Result<Review> {
        self.0.store.begin_use(tenant, id, call).await
    }

    /// The call that has an approval is over.
    pub(crate) async fn end_use(&self, tenant: &TenantId, id: &ReviewId, call: &CallId, is_done: bool) -> Result<()> {
        self.0.store.end_use(tenant, id, call, is_done).await
    }

    /// Gives back the approvals that calls had when the last process died. Before the first call.
    pub async fn free_uses(&self) -> Result<()> {
        self.0.store.free_uses().await
    }

    /// Removes what the bounds say, and looks what waits. To be done now and then.
    pub async fn tidy(&self) -> Result<()> {
        let keep = Duration::from_secs(u64::from(self.settings().keep_days) * 24 * HOUR);
        self.0.store.tidy_reviews(keep).await?;
        self.look().await;
        Ok(())
    }

    /// The count is for people's eyes: what it rests on is done already.
    async fn look(&self) {
        match self.0.store.backlog().await {
            Ok(backlog) => *self.0.backlog.write() = backlog,
            Err(error) => tracing::warn!(%error, "the reviews that wait could not be counted"),
        }
    }
}

/// `PermissionDenied` when the call was made by whoever is to let it go on: with the same key, or another of the same
/// user.
fn another(by: &Principal, review: &Review) -> Result<()> {
    let Review { id, item, .. } = review;
    let is_user = by.user().is_some() && item.user.as_ref() == by.user() && item.tenant == *by.tenant();
    let who = match &item.user {
        Some(user) if is_user => format!("the user '{user}'"),
        _ if item.key == *by.key() => format!("the key {}", item.key),
        _ => return Ok(()),
    };
    let message = format!(
        "The review {id} is about a call of your own, made by {who}: somebody else must approve or edit it; you may \
         reject it. Where one person does everything, self_approval = true under [review] in yizhan.toml permits it."
    );
    Err(Error::new(ErrorCode::PermissionDenied, message))
}

/// Was it held from a call with the same key, for the same project?
pub(crate) fn is_of(review: &Review, principal: &Principal) -> bool {
    let item = &review.item;
    item.tenant == *principal.tenant() && item.key == *principal.key() && item.project.as_ref() == principal.project()
}

#[cfg(test)]
#[path = "reviews_tests.rs"]
mod tests;
