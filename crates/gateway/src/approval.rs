//! An approval that a call has: used up when the call is answered, given back when it is not, also when its caller
//! goes away.
//!
//! It does not know what was approved, nor when a call counts as answered.

use crate::reviews::Reviews;
use yizhan_domain::{CallId, Result, ReviewId, TenantId};
use yizhan_store::Review;

/// What a person approved, for one call.
pub(crate) struct Approval {
    of: Use,
    /// Is it used up?
    is_done: bool,
    /// Has the store still to be told?
    is_open: bool,
}

/// Which approval, which call.
#[derive(Clone)]
struct Use {
    reviews: Reviews,
    tenant: TenantId,
    id: ReviewId,
    call: CallId,
}

impl Use {
    async fn end(&self, is_done: bool) {
        let Self { reviews, tenant, id, call } = self;
        if let Err(error) = reviews.end_use(tenant, id, call, is_done).await {
            // No call can have it then, up to the next start.
            tracing::error!(%error, review = %id, "the end of an approval's use could not be kept");
        }
    }
}

impl Approval {
    /// Takes it for a call; the errors are those of the store's `begin_use`.
    pub(crate) async fn begin(reviews: &Reviews, review: &Review, call: &CallId) -> Result<Self> {
        let (tenant, id) = (review.item.tenant.clone(), review.id.clone());
        let of = Use { reviews: reviews.clone(), tenant, id, call: call.clone() };
        // There before it is asked for: a caller who goes away meanwhile leaves nothing behind.
        let mut approval = Self { of, is_done: false, is_open: true };
        let begun = reviews.begin_use(&approval.of.tenant, &approval.of.id, call).await;
        approval.is_open = begun.is_ok();
        begun.map(|_| approval)
    }

    /// The call is over: it was answered, or else the approval counts for another. It does once this returns.
    pub(crate) async fn end(mut self, is_answered: bool) {
        self.is_done = is_answered;
        self.of.end(is_answered).await;
        // Only now: if nobody waits any more, the drop sees to it.
        self.is_open = false;
    }

    /// The same, where nobody can wait.
    pub(crate) fn end_later(mut self, is_answered: bool) {
        self.is_done = is_answered;
    }
}

impl Drop for Approval {
    fn drop(&mut self) {
        if self.is_open
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (of, is_done) = (self.of.clone(), self.is_done);
            runtime.spawn(async move { of.end(is_done).await });
        }
    }
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
