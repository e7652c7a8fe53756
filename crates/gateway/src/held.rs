//! What a call does when a rule wants a person to look first: its request is held, or passes by what the person
//! decided; its answer is withheld and held.
//!
//! ```text
//! request ─ rules ─┬─ pass ────────────────────────────────► model
//!                  ├─ block ─► error
//!                  └─ review ─► queue ─► error with the id … the same request with the id ─► rules but those ─► model
//! answer ── rules ─── review ─► queue ─► event with the id … the caller fetches it by the id
//! ```
//!
//! It does not know how rules find things, how the queue is kept, nor who decides.

use crate::approval::Approval;
use crate::call::{Call, Known, Safe};
use crate::reply::Checked;
use crate::reviews::Reviews;
use crate::underway::Walk;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use yizhan_cache::Digest;
use yizhan_domain::{Content, Error, ErrorCode, Fields, Message, ModelName, Part, Result, ReviewId, Role, ToolCall};
use yizhan_guard::{Expected, Finding, Guard, Outcome, Refusal, Withheld};
use yizhan_knowledge::Grounding;
use yizhan_model::{ChatEvent, ChatRequest, EventStream};
use yizhan_store::{Decided, NewReview, Review, ReviewSide, ReviewState};
use yizhan_telemetry::Step as Stage;

/// Holds a call to the rules on input.
pub(crate) async fn guard(mut call: Call<Known>, reviews: Option<&Reviews>, walk: &mut Walk) -> Result<Call<Safe>> {
    let request = std::mem::take(&mut call.request);
    let Some(guard) = walk.policy.guard.clone() else { return Ok(call.safe(request, Vec::new())) };
    walk.enter(Stage::Rules);
    let decided = decided(&call, &request, reviews).await?;
    let outcome = match &decided {
        None => guard.input(request),
        Some(review) => {
            walk.journal.reviewed(&review.id);
            guard.reviewed_input(as_decided(review, request)?)
        }
    };
    match outcome {
        Outcome::Pass(checked) => {
            if let (Some(reviews), Some(review)) = (reviews, &decided) {
                walk.approval = Some(Approval::begin(reviews, review, &call.caller.call).await?);
            }
            walk.journal.found(&checked.findings, false);
            if let Some(reviews) = reviews.filter(|_| guard.reviews_answers()) {
                let (item, asked) = (item(&call, ReviewSide::Output), checked.request.clone());
                walk.withholding = Some(Box::new(Withholding::new(reviews, &guard, item, asked)));
            }
            Ok(call.safe(checked.request, checked.warnings))
        }
        Outcome::Blocked(refusal) => {
            walk.journal.found(&refusal.findings, false);
            Err(refusal.error)
        }
        Outcome::Review(refusal) => {
            walk.journal.found(&refusal.findings, false);
            match reviews {
                Some(reviews) => Err(Box::pin(hold(&call, refusal, reviews)).await?),
                None => Err(refusal.error),
            }
        }
    }
}

/// What a person decided on this very request, when the caller names it and it still counts. Everything else is
/// as if it did not exist: what is not this caller's, is about another request, waits, or is over.
async fn decided(call: &Call<Known>, request: &ChatRequest, reviews: Option<&Reviews>) -> Result<Option<Review>> {
    let (Some(reviews), Some(id)) = (reviews, &call.caller.review) else { return Ok(None) };
    let review = match reviews.of_caller(&call.caller.principal, id).await {
        Ok(review) => review,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let counts = review.item.side == ReviewSide::Input
        && review.decided.is_some()
        && review.item.digest == digest(&call.model, request);
    Ok(counts.then_some(review))
}

/// The request as it may go on.
fn as_decided(review: &Review, mut request: ChatRequest) -> Result<ChatRequest> {
    let Some(Decided { note, edited, .. }) = &review.decided else { return Ok(request) };
    match (review.state, edited) {
        (ReviewState::Rejected, _) => Err(rejected(&review.id, note)),
        (_, Some(text)) => {
            replace_question(&mut request.messages, text);
            Ok(request)
        }
        _ => Ok(request),
    }
}

fn rejected(id: &ReviewId, note: &str) -> Error {
    let why = if note.is_empty() { "no reason was given." } else { note };
    let message = format!("A person looked at this request and rejected it: {why}");
    Error::new(ErrorCode::ContentBlocked, message).under_review(id.clone())
}

/// Which message is the last question: the user's last, or where there is none the last at all.
fn question(messages: &[Message]) -> Option<usize> {
    messages.iter().rposition(|message| message.role == Role::User).or(messages.len().checked_sub(1))
}

/// The last question in other words. What it has beside its text stays.
fn replace_question(messages: &mut [Message], text: &str) {
    let Some(question) = question(messages).and_then(|at| messages.get_mut(at)) else { return };
    match &mut question.content {
        Content::Text(old) => text.clone_into(old),
        Content::Parts(parts) => {
            parts.retain(|part| !matches!(part, Part::Text { .. }));
            parts.insert(0, Part::text(text));
        }
    }
}

/// The same for requests that ask the same of the same model. How it is sampled and sent does not matter: load may
/// change it.
fn digest(model: &ModelName, request: &ChatRequest) -> String {
    let ChatRequest { messages, tools, tool_choice, response_format, more_choices, extra, dialect, .. } = request;
    let asked = (model, messages, tools, tool_choice, response_format, more_choices, extra, dialect);
    format!("{:?}", Digest::of(&asked))
}

/// Puts a request into the queue. The error is what the caller is told.
async fn hold(call: &Call<Known>, refusal: Refusal, reviews: &Reviews) -> Result<Error> {
    let Refusal { error, rule, findings, request } = refusal;
    let question = question(&request.messages).and_then(|at| request.messages.get(at));
    let item = NewReview {
        rules: rules(&rule, &findings),
        message: error.message().to_owned(),
        digest: digest(&call.model, &request),
        text: question.map(|message| message.content.text()).unwrap_or_default(),
        held: json!({ "request": request }),
        ..item(call, ReviewSide::Input)
    };
    Ok(match reviews.hold(item).await? {
        Ok(id) => {
            let message = format!(
                "{} It is held for review as {id}. GET /v1/reviews/{id} says how far that is; once it is approved, \
                 send the same request again with the header x-yizhan-review: {id}. That counts for one call.",
                error.message()
            );
            Error::new(ErrorCode::HeldForReview, message).under_review(id)
        }
        Err(why) => Error::new(error.code(), format!("{} {why}", error.message())),
    })
}

/// The rules that found something, the one that holds it first.
fn rules(first: &str, findings: &[Finding]) -> Vec<String> {
    let mut rules = vec![first.to_owned()];
    for finding in findings {
        if !rules.contains(&finding.rule) {
            rules.push(finding.rule.clone());
        }
    }
    rules
}

/// What is known before it is known what is held.
fn item(call: &Call<Known>, side: ReviewSide) -> NewReview {
    let principal = &call.caller.principal;
    NewReview {
        call: call.caller.call.clone(),
        tenant: principal.tenant().clone(),
        project: principal.project().cloned(),
        user: principal.user().cloned(),
        key: principal.key().clone(),
        side,
        model: call.model.clone(),
        rules: Vec::new(),
        message: String::new(),
        digest: String::new(),
        text: String::new(),
        held: Value::Null,
        complete: true,
    }
}

/// All that is needed when a rule withholds this call's answer.
pub(crate) struct Withholding {
    reviews: Reviews,
    guard: Arc<Guard>,
    item: NewReview,
    asked: ChatRequest,
    expected: Expected,
    grounding: Option<Grounding>,
}

impl Withholding {
    fn new(reviews: &Reviews, guard: &Arc<Guard>, item: NewReview, asked: ChatRequest) -> Self {
        let (reviews, guard) = (reviews.clone(), Arc::clone(guard));
        Self { reviews, guard, item, asked, expected: Expected::default(), grounding: None }
    }

    /// What is known of the answer before it comes.
    pub(crate) fn expect(&mut self, expected: &Expected, grounding: Option<&Grounding>) {
        self.expected = expected.clone();
        self.grounding = grounding.cloned();
    }

    /// Puts the answer into the queue, as its caller would get it: with masks done and citations checked. The event
    /// says what became of it; with the id when it is held.
    pub(crate) async fn hold(self: Box<Self>, withheld: Withheld) -> (Fields, Option<ReviewId>) {
        let Self { reviews, guard, mut item, asked, expected, grounding } = *self;
        let Withheld { rule, message, events, complete } = withheld;
        let blocked = |why: String| {
            let value = json!({"rule": rule, "message": format!("{message} {why}")});
            (ours("blocked", value), None)
        };
        let guarded = guard.output(Box::pin(stream::iter(events.into_iter().map(Ok)))).reviewed().expect(expected);
        let events: EventStream = match grounding {
            Some(grounding) => Box::pin(Checked::new(Box::pin(guarded), grounding)),
            None => Box::pin(guarded),
        };
        let answer = match Answer::collect(events).await {
            Ok(answer) => answer,
            Err(other) => return blocked(other),
        };
        (item.rules, item.message, item.complete) = (vec![rule.clone()], message.clone(), complete);
        item.text = answer.text();
        item.held = json!({"request": asked, "events": answer.0});
        match reviews.hold(item).await {
            Ok(Ok(id)) => {
                let message = format!(
                    "{message} The answer is held for review as {id}. GET /v1/reviews/{id} says how far that is, and \
                     gives the answer once it is approved."
                );
                (ours("review", json!({"rule": rule, "message": message, "id": id})), Some(id))
            }
            Ok(Err(why)) => blocked(why),
            Err(error) => {
                tracing::error!(%error, "an answer could not be held for review");
                blocked("It could not be held for a person, and is blocked.".to_owned())
            }
        }
    }
}

fn ours(word: &str, value: Value) -> Fields {
    Fields::from_iter([("yizhan".to_owned(), json!({ word: value }))])
}

/// Does the guard tell here that it withholds the answer?
pub(crate) fn is_withheld(fields: &Fields) -> bool {
    fields.get("yizhan").is_some_and(|ours| ours.get("review").is_some())
}

/// A whole answer, in as few events as it takes.
#[derive(Default)]
struct Answer(Vec<ChatEvent>);

impl Answer {
    /// The sentence of a rule that blocks it, if one does.
    async fn collect(mut events: EventStream) -> std::result::Result<Self, String> {
        let mut answer = Self::default();
        while let Some(Ok(event)) = events.next().await {
            if let ChatEvent::Extra { choice: None, fields } = &event
                && let Some(message) = fields.get("yizhan").and_then(|ours| ours["blocked"]["message"].as_str())
            {
                return Err(message.to_owned());
            }
            answer.add(event);
        }
        Ok(answer)
    }

    fn add(&mut self, event: ChatEvent) {
        match (self.0.last_mut(), event) {
            (Some(ChatEvent::Text { choice, delta }), ChatEvent::Text { choice: same, delta: more })
            | (Some(ChatEvent::Reasoning { choice, delta }), ChatEvent::Reasoning { choice: same, delta: more })
                if *choice == same =>
            {
                delta.push_str(&more);
            }
            (_, event) => self.0.push(event),
        }
    }

    /// What a person reads: all texts, and what tools would be called with.
    fn text(&self) -> String {
        let mut choices: BTreeMap<u32, (String, Vec<ToolCall>)> = BTreeMap::new();
        for event in &self.0 {
            match event {
                ChatEvent::Text { choice, delta } => choices.entry(*choice).or_default().0.push_str(delta),
                ChatEvent::ToolCall { choice, piece } => piece.clone().join(&mut choices.entry(*choice).or_default().1),
                _ => {}
            }
        }
        let mut texts = Vec::new();
        for (text, calls) in choices.into_values() {
            texts.extend((!text.is_empty()).then_some(text));
            texts.extend(calls.iter().map(|call| format!("{}({})", call.name, call.arguments)));
        }
        texts.join("\n\n")
    }
}

#[cfg(test)]
#[path = "held_tests.rs"]
pub(crate) mod tests;
