//! What can be done to what rules hold for a person, from JSON to JSON.
//!
//! It does not know HTTP, nor whose items the caller may see.

use super::fields::Fields;
use serde_json::{Value, json};
use yizhan_access::Principal;
use yizhan_dialect::openai::Answer;
use yizhan_domain::{Error, KeyId, ModelName, Result, ReviewId, TenantId};
use yizhan_gateway::Reviews;
use yizhan_model::ChatEvent;
use yizhan_store::{Page, Review, ReviewFilter, ReviewSide, ReviewState, Verdict};

/// A tenant's items without all that is held, from a query's fields `state`, `side`, `model`, `key`, `order` (`asc` is
/// oldest first), `after` and `limit`; and are there more?
pub async fn review_objects(
    reviews: &Reviews,
    tenant: &TenantId,
    fields: &[(String, String)],
) -> Result<(Vec<Value>, bool)> {
    let (filter, mut page) = read_query(fields)?;
    let limit = page.limit;
    page.limit = limit.saturating_add(1);
    let mut found = reviews.list(tenant, &filter, page).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    Ok((found.iter().map(brief).collect(), has_more))
}

fn read_query(fields: &[(String, String)]) -> Result<(ReviewFilter, Page)> {
    let (mut filter, mut page) = (ReviewFilter::default(), Page { after: None, limit: 20 });
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "state" => filter.state = Some(word(name, value, ReviewState::ALL, ReviewState::as_str)?),
            "side" => filter.side = Some(word(name, value, ReviewSide::ALL, ReviewSide::as_str)?),
            "model" => filter.model = Some(ModelName::new(value)),
            "key" => filter.key = Some(KeyId::new(value)),
            "order" => filter.oldest_first = word(name, value, &["asc", "desc"], |word| word)? == "asc",
            "after" => page.after = Some(value.clone()),
            "limit" => {
                page.limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=1000).contains(limit))
                    .ok_or_else(|| Error::invalid("limit", format!("'limit' must be 1 to 1000, not '{value}'.")))?;
            }
            _ => {
                let known = "state, side, model, key, order, after and limit";
                return Err(Error::invalid(
                    name,
                    format!("There is no '{name}' to list reviews by; there are {known}."),
                ));
            }
        }
    }
    Ok((filter, page))
}

fn word<T: Copy>(name: &str, value: &str, all: &[T], shown: impl Fn(T) -> &'static str) -> Result<T> {
    all.iter().copied().find(|one| shown(*one) == value).ok_or_else(|| {
        let all: Vec<&str> = all.iter().map(|one| shown(*one)).collect();
        Error::invalid(name, format!("'{name}' must be one of {}, not '{value}'.", all.join(", ")))
    })
}

/// All of an item. `NotFound` when the tenant has none of that id.
pub async fn show_review(reviews: &Reviews, tenant: &TenantId, id: &str) -> Result<Value> {
    Ok(whole(&reviews.get(tenant, &ReviewId::new(id)).await?))
}

/// Decides on an item: `approve`, `edit` or `reject`, with a body of `note` and, for an edit, `text`. `NotFound` when
/// the tenant has none of that id, `Conflict` when it waits no more, `PermissionDenied` when it
/// is about a call of the decider's own that shall go on.
pub async fn decide_review(
    reviews: &Reviews,
    by: &Principal,
    tenant: &TenantId,
    id: &str,
    verdict: &str,
    body: Value,
) -> Result<Value> {
    let mut fields = Fields::of(body)?;
    let note = fields.text("note")?.unwrap_or_default();
    let verdict = match verdict {
        "approve" => Verdict::Approve,
        "reject" => Verdict::Reject,
        _ => Verdict::Edit(fields.text("text")?.ok_or_else(|| Error::invalid("text", "Give the text to go on with."))?),
    };
    fields.end()?;
    Ok(whole(&reviews.decide(by, tenant, &ReviewId::new(id), verdict, note).await?))
}

/// What a list tells of an item.
fn brief(review: &Review) -> Value {
    let item = &review.item;
    let decided = review.decided.as_ref();
    json!({
        "id": review.id,
        "object": "review",
        "state": review.state.as_str(),
        "side": item.side.as_str(),
        "tenant": item.tenant,
        "project": item.project,
        "user": item.user,
        "key": item.key,
        "call": item.call,
        "model": item.model,
        "rules": item.rules,
        "message": item.message,
        "text": item.text,
        "complete": item.complete,
        "created_ms": review.created_ms,
        "expires_ms": review.expires_ms,
        "over": review.over,
        "decided_by": decided.map(|decided| &decided.by),
        "decided_user": decided.map(|decided| &decided.user),
        "decided_ms": decided.map(|decided| decided.at_ms),
        "note": decided.map(|decided| &decided.note),
        "edited": decided.map(|decided| &decided.edited),
        "used_by": review.used.as_ref().map(|used| &used.call),
        "used_ms": used_ms(review),
    })
}

/// When an approval was used up; none while it is not.
fn used_ms(review: &Review) -> Option<i64> {
    review.used.as_ref().filter(|used| used.is_done).map(|used| used.at_ms)
}

/// An item with the request, and the answer where that is held.
fn whole(review: &Review) -> Value {
    let mut object = brief(review);
    object["request"] = review.item.held["request"].clone();
    if review.item.side == ReviewSide::Output {
        object["answer"] = answer(review).unwrap_or_default();
    }
    object
}

/// The answer that is held, as OpenAI's chat completion.
fn answer(review: &Review) -> Option<Value> {
    let events: Vec<ChatEvent> = serde_json::from_value(review.item.held["events"].clone()).ok()?;
    let mut answer = Answer::default();
    events.into_iter().for_each(|event| answer.take(event));
    let id = format!("chatcmpl-{}", review.item.call.as_str().trim_start_matches("call-"));
    Some(answer.write(&id, review.created_ms.div_euclid(1000), review.item.model.as_str()))
}

/// What the caller whose call was held may know: how far it is, and the answer once it may be given.
pub(super) fn of_caller(review: &Review) -> Value {
    let mut object = json!({
        "id": review.id,
        "object": "review",
        "state": review.state.as_str(),
        "side": review.item.side.as_str(),
        "model": review.item.model,
        "message": review.item.message,
        "created_ms": review.created_ms,
        "expires_ms": review.expires_ms,
        "note": review.decided.as_ref().map(|decided| &decided.note),
    });
    if review.item.side == ReviewSide::Input {
        object["edited"] = json!(review.decided.as_ref().map(|decided| &decided.edited));
        object["used_ms"] = json!(used_ms(review));
    } else {
        let answer = match (review.state, review.decided.as_ref().and_then(|decided| decided.edited.as_ref())) {
            (ReviewState::Edited, Some(text)) => Some(edited(review, text)),
            (ReviewState::Approved, _) => answer(review),
            _ => None,
        };
        object["answer"] = answer.unwrap_or_default();
    }
    object
}

/// A person's text in the place of the answer's.
fn edited(review: &Review, text: &str) -> Value {
    let mut answer = Answer::default();
    answer.take(ChatEvent::text(text));
    answer.take(ChatEvent::finish(yizhan_domain::FinishReason::Stop));
    let id = format!("chatcmpl-{}", review.item.call.as_str().trim_start_matches("call-"));
    answer.write(&id, review.created_ms.div_euclid(1000), review.item.model.as_str())
}

#[cfg(test)]
#[path = "review_acts_tests.rs"]
mod tests;
