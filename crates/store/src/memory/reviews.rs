//! What is held for a person, in memory.

use super::MemoryStore;
use crate::{
    Backlog, Decided, Decision, NewReview, Page, REVIEW_PREVIEW, Review, ReviewFilter, ReviewState, ReviewStore, Use,
    Verdict, millis, no_review, unknown_cursor,
};
use async_trait::async_trait;
use serde_json::Value;
use std::time::Duration;
use yizhan_domain::{CallId, Result, ReviewId, TenantId};

/// As it is at this time.
fn at(review: &Review, now_ms: i64) -> Review {
    let mut review = review.clone();
    review.over = review.expires_ms <= now_ms;
    if review.over && review.state == ReviewState::Waiting {
        review.state = ReviewState::Expired;
    }
    review
}

fn preview(mut review: Review) -> Review {
    let cut = |text: &str| text.chars().take(REVIEW_PREVIEW).collect::<String>();
    review.item.held = Value::Null;
    review.item.text = cut(&review.item.text);
    if let Some(edited) = review.decided.as_mut().and_then(|decided| decided.edited.as_mut()) {
        *edited = cut(edited);
    }
    review
}

fn same_request(a: &NewReview, b: &NewReview) -> bool {
    !a.digest.is_empty() && (&a.tenant, &a.project, &a.key, &a.digest) == (&b.tenant, &b.project, &b.key, &b.digest)
}

#[async_trait]
impl ReviewStore for MemoryStore {
    async fn hold(&self, item: NewReview, wait: Duration, most_waiting: u64) -> Result<Option<ReviewId>> {
        let now = self.clock.now_ms();
        let mut state = self.state();
        let of_tenant = state.reviews.iter().filter(|held| held.item.tenant == item.tenant);
        let waiting: Vec<&Review> = of_tenant.filter(|held| at(held, now).state == ReviewState::Waiting).collect();
        if let Some(same) = waiting.iter().find(|held| same_request(&held.item, &item)) {
            return Ok(Some(same.id.clone()));
        }
        if waiting.len() as u64 >= most_waiting {
            return Ok(None);
        }
        let id = ReviewId::random();
        state.reviews.push(Review {
            id: id.clone(),
            item,
            state: ReviewState::Waiting,
            created_ms: now,
            expires_ms: now + millis(wait),
            over: false,
            decided: None,
            used: None,
        });
        Ok(Some(id))
    }

    async fn review(&self, tenant: &TenantId, id: &ReviewId) -> Result<Option<Review>> {
        let now = self.clock.now_ms();
        let state = self.state();
        let found = state.reviews.iter().find(|held| held.id == *id && held.item.tenant == *tenant);
        Ok(found.map(|held| at(held, now)))
    }

    async fn reviews(&self, tenant: &TenantId, filter: &ReviewFilter, page: Page) -> Result<Vec<Review>> {
        let now = self.clock.now_ms();
        let state = self.state();
        let mut items: Vec<&Review> = state.reviews.iter().filter(|held| held.item.tenant == *tenant).collect();
        if !filter.oldest_first {
            items.reverse();
        }
        let from = match &page.after {
            None => 0,
            Some(id) => 1 + items.iter().position(|held| held.id.as_str() == id).ok_or_else(|| unknown_cursor(id))?,
        };
        let items = items[from..].iter().map(|held| at(held, now)).filter(|held| filter.matches(held));
        Ok(items.take(page.limit).map(preview).collect())
    }

    async fn decide(&self, tenant: &TenantId, id: &ReviewId, decision: Decision, good_for: Duration) -> Result<Review> {
        let now = self.clock.now_ms();
        let mut state = self.state();
        let found = state.reviews.iter_mut().find(|held| held.id == *id && held.item.tenant == *tenant);
        let held = found.ok_or_else(|| no_review(id))?;
        if let Some(error) = at(held, now).undecidable() {
            return Err(error);
        }
        let Decision { verdict, by, user, note } = decision;
        held.state = verdict.state();
        held.expires_ms = now + millis(good_for);
        let edited = if let Verdict::Edit(text) = verdict { Some(text) } else { None };
        held.decided = Some(Decided { by, user, at_ms: now, note, edited });
        Ok(at(held, now))
    }

    async fn begin_use(&self, tenant: &TenantId, id: &ReviewId, call: &CallId) -> Result<Review> {
        let now = self.clock.now_ms();
        let mut state = self.state();
        let found = state.reviews.iter_mut().find(|held| held.id == *id && held.item.tenant == *tenant);
        let held = found.ok_or_else(|| no_review(id))?;
        if let Some(error) = at(held, now).unusable() {
            return Err(error);
        }
        held.used = Some(Use { call: call.clone(), at_ms: now, is_done: false });
        Ok(at(held, now))
    }

    async fn end_use(&self, tenant: &TenantId, id: &ReviewId, call: &CallId, is_done: bool) -> Result<()> {
        let now = self.clock.now_ms();
        let mut state = self.state();
        let mut held = state.reviews.iter_mut().filter(|held| held.id == *id && held.item.tenant == *tenant);
        let has_it = |used: &Use| used.call == *call && !used.is_done;
        if let Some(held) = held.find(|held| held.used.as_ref().is_some_and(has_it)) {
            held.used = is_done.then(|| Use { call: call.clone(), at_ms: now, is_done });
        }
        Ok(())
    }

    async fn free_uses(&self) -> Result<()> {
        for held in &mut self.state().reviews {
            held.used = held.used.take().filter(|used| used.is_done);
        }
        Ok(())
    }

    async fn backlog(&self) -> Result<Backlog> {
        let now = self.clock.now_ms();
        let state = self.state();
        let waiting = state.reviews.iter().filter(|held| at(held, now).state == ReviewState::Waiting);
        let times: Vec<i64> = waiting.map(|held| held.created_ms).collect();
        Ok(Backlog { waiting: times.len() as u64, oldest_ms: times.into_iter().min() })
    }

    async fn tidy_reviews(&self, keep: Duration) -> Result<u64> {
        let now = self.clock.now_ms();
        let mut state = self.state();
        for held in &mut state.reviews {
            if at(held, now).state == ReviewState::Expired {
                held.state = ReviewState::Expired;
                (held.item.text, held.item.held) = (String::new(), Value::Null);
            }
        }
        let before = state.reviews.len();
        state.reviews.retain(|held| held.expires_ms > now || held.created_ms >= now - millis(keep));
        Ok((before - state.reviews.len()) as u64)
    }
}
