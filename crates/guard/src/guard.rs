//! The compiled rules, and what they say of a request or a single text.
//!
//! It does not know streams of events: `output` does.

use crate::compile::{self, Known, Plan};
use crate::finding::{Finding, MOST_FINDINGS, Place};
use crate::lane::{Lane, Scope};
use crate::output::Guarded;
use crate::rule::{Action, RuleSet};
use std::sync::Arc;
use yizhan_domain::{Content, Error, ErrorCode, Message, Part, Result};
use yizhan_model::{ChatRequest, EventStream};

/// Rules at work. Made once, shared by all calls.
#[derive(Debug)]
pub struct Guard {
    pub(crate) plan: Plan,
}

/// Which way a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// To a model.
    Input,
    /// From a model.
    Output,
}

/// What the rules say of a request.
#[derive(Debug)]
pub enum Outcome {
    /// It may go on, perhaps changed.
    Pass(Checked),
    /// A rule forbids it.
    Blocked(Refusal),
    /// A rule wants a person to look at it first. No rule that blocks finds anything in it.
    Review(Refusal),
}

/// A request that may go on.
#[derive(Debug)]
pub struct Checked {
    /// The request, with masks and rewritings done.
    pub request: ChatRequest,
    /// What was found, in the order of the messages.
    pub findings: Vec<Finding>,
    /// Sentences that rules want at the end of the answer: for [`Guarded::expect`].
    pub warnings: Vec<String>,
}

/// A request that may not.
#[derive(Debug)]
pub struct Refusal {
    /// What the caller is told: `ContentBlocked` with the rule's message, never with what was found.
    pub error: Error,
    /// The rule's id.
    pub rule: String,
    /// What was found up to there.
    pub findings: Vec<Finding>,
    /// The request as it came.
    pub request: ChatRequest,
}

/// What the rules say of a single text.
#[derive(Clone, Debug, PartialEq)]
pub struct TextCheck {
    /// The text with masks and rewritings done; what a rule blocks or sends to review is masked too.
    pub text: String,
    /// All that was found, in order.
    pub findings: Vec<Finding>,
    /// The error to give, when a rule blocks the text or sends it to review.
    pub error: Option<Error>,
}

/// Who has looked at a text before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nobody: every rule counts.
    #[default]
    ByNobody,
    /// A person, as some rules want.
    ByPerson,
}

impl Seen {
    /// Does the rule count still?
    pub(crate) fn leaves(self, rule: &Known) -> bool {
        self == Seen::ByNobody || rule.action != Action::Review
    }
}

/// A rule that ends a call.
pub(crate) struct Stop(pub(crate) u16);

/// What comes of a step, unless a rule ends the call.
pub(crate) type Flow<T> = std::result::Result<T, Stop>;

impl Guard {
    /// Compiles rules: packs before their set's own rules, sets in order, a later rule in the place of an earlier
    /// one of the same id.
    ///
    /// Fails with `InvalidConfig`, naming file, line and rule, when a rule looks for nothing, a regular
    /// expression has no longest match, a word list was not attached, or a replacement is itself forbidden.
    pub fn new(sets: &[RuleSet]) -> Result<Self> {
        let guard = Self { plan: compile::compile(sets)? };
        guard.check_replacements()?;
        Ok(guard)
    }

    /// Are there no rules at all that look this way?
    pub fn is_empty(&self, side: Side) -> bool {
        self.side(side).is_empty()
    }

    /// Looks at a request: all text parts of its messages, and the arguments of the tool calls in them. Each
    /// rule says whose messages it looks at. Tools' descriptions and unknown fields are not looked at.
    pub fn input(&self, request: ChatRequest) -> Outcome {
        match self.look_at(request, Seen::ByNobody) {
            // A person is not asked about what may not go on whatever they say.
            Outcome::Review(held) => match self.look_at(held.request.clone(), Seen::ByPerson) {
                blocked @ Outcome::Blocked(_) => blocked,
                _ => Outcome::Review(held),
            },
            outcome => outcome,
        }
    }

    /// [`Guard::input`] for a request that a person has looked at: the rules that wanted that find nothing any more,
    /// all others hold.
    pub fn reviewed_input(&self, request: ChatRequest) -> Outcome {
        self.look_at(request, Seen::ByPerson)
    }

    fn look_at(&self, mut request: ChatRequest, seen: Seen) -> Outcome {
        if self.plan.input.is_empty() {
            return Outcome::Pass(Checked { request, findings: Vec::new(), warnings: Vec::new() });
        }
        let (mut findings, mut changes) = (Vec::new(), Vec::new());
        let mut look = |(index, message)| self.message(index, message, seen, &mut findings, &mut changes);
        let stop = request.messages.iter().enumerate().find_map(|numbered| look(numbered).err());
        findings.truncate(MOST_FINDINGS);
        if let Some(rule) = stop.and_then(|Stop(rule)| self.plan.rules.get(usize::from(rule))) {
            let refusal = Refusal { error: refusal(rule), rule: rule.id.clone(), findings, request };
            return if rule.action == Action::Review { Outcome::Review(refusal) } else { Outcome::Blocked(refusal) };
        }
        for (place, text) in changes {
            put(&mut request.messages, place, text);
        }
        let warned = |rule: &&Known| {
            rule.action == Action::Warn && findings.iter().any(|f| f.action == Action::Warn && f.rule == rule.id)
        };
        let warnings = self.plan.rules.iter().filter(warned).map(|rule| rule.message.clone()).collect();
        Outcome::Pass(Checked { request, findings, warnings })
    }

    /// Looks at a single text as no one's message: all rules of that side count, and all matches are found.
    pub fn check_text(&self, text: &str, side: Side) -> TextCheck {
        let side = self.side(side);
        if side.is_empty() {
            return TextCheck { text: text.to_owned(), findings: Vec::new(), error: None };
        }
        let scope = Scope { rules: &self.plan.rules, side, counts: &|_| true, look_on: true };
        let mut lane = Lane::new(Place::Text, side);
        let mut step = lane.push(text.to_owned(), &scope);
        let last = lane.finish(&scope);
        step.released.push_str(&last.released);
        let mut findings = step.findings;
        findings.extend(last.findings);
        findings.sort();
        let ends = |f: &&Finding| matches!(f.action, Action::Block | Action::Review);
        let worst = findings.iter().filter(ends).min_by_key(|f| f.action);
        let error = worst.and_then(|f| self.plan.rules.iter().find(|rule| rule.id == f.rule)).map(refusal);
        findings.truncate(MOST_FINDINGS);
        TextCheck { text: step.released, findings, error }
    }

    /// Can a rule hold answers until a person has looked at them?
    pub fn reviews_answers(&self) -> bool {
        self.plan.output.reviews
    }

    /// Can a rule hold requests until a person has looked at them?
    pub fn reviews_requests(&self) -> bool {
        self.plan.reviews_requests
    }

    /// Guards an answer on its way. Without rules for answers the stream passes untouched.
    pub fn output(self: &Arc<Self>, events: EventStream) -> Guarded {
        Guarded::new(self, events)
    }

    fn side(&self, side: Side) -> &compile::Side {
        match side {
            Side::Input => &self.plan.input,
            Side::Output => &self.plan.output,
        }
    }

    /// Looks at one message; what rules change is said, not done, so that a refused request stays as it came.
    fn message(
        &self,
        index: usize,
        message: &Message,
        seen: Seen,
        findings: &mut Vec<Finding>,
        changes: &mut Vec<(Place, String)>,
    ) -> Flow<()> {
        let side = &self.plan.input;
        let role = message.role;
        let scope = Scope {
            rules: &self.plan.rules,
            side,
            counts: &|rule| rule.looks_at(role) && seen.leaves(rule),
            look_on: false,
        };
        let mut look = |text: &str, place: Place, mut lane: Lane| {
            let checked = whole(&mut lane, text.to_owned(), &scope, findings)?;
            if checked != text {
                changes.push((place, checked));
            }
            Ok(())
        };
        let part = |part| Place::Message { message: index, part };
        match &message.content {
            Content::Text(text) => look(text, part(0), Lane::new(part(0), side))?,
            Content::Parts(parts) => {
                for (number, each) in parts.iter().enumerate() {
                    if let Part::Text { text, .. } = each {
                        look(text, part(number), Lane::new(part(number), side))?;
                    }
                }
            }
        }
        for (call, tool) in message.tool_calls.iter().enumerate() {
            let place = Place::MessageCall { message: index, call };
            look(&tool.arguments, place.clone(), Lane::json(place, side))?;
        }
        Ok(())
    }

    /// What takes the place of a text must not be forbidden itself.
    fn check_replacements(&self) -> Result<()> {
        for rule in &self.plan.rules {
            let Some(with) = &rule.with else { continue };
            for side in [Side::Input, Side::Output] {
                let check = self.check_text(with, side);
                if let Some(finding) = check.findings.iter().find(|f| f.action < Action::Warn) {
                    let what = format!(
                        "Rule '{}' replaces by a text in which rule '{}' finds something. Give another text as 'with'.",
                        rule.id, finding.rule
                    );
                    return Err(Error::new(ErrorCode::InvalidConfig, what));
                }
            }
        }
        Ok(())
    }
}

/// Puts a changed text where it was found.
fn put(messages: &mut [Message], place: Place, changed: String) {
    match place {
        Place::Message { message, part } => match messages.get_mut(message).map(|message| &mut message.content) {
            Some(Content::Text(text)) => *text = changed,
            Some(Content::Parts(parts)) => {
                if let Some(Part::Text { text, .. }) = parts.get_mut(part) {
                    *text = changed;
                }
            }
            None => {}
        },
        Place::MessageCall { message, call } => {
            if let Some(tool) = messages.get_mut(message).and_then(|message| message.tool_calls.get_mut(call)) {
                tool.arguments = changed;
            }
        }
        _ => {}
    }
}

/// A text that is there as a whole.
pub(crate) fn whole(lane: &mut Lane, text: String, scope: &Scope, findings: &mut Vec<Finding>) -> Flow<String> {
    let first = lane.push(text, scope);
    findings.extend(first.findings);
    if let Some(rule) = first.stop {
        return Err(Stop(rule));
    }
    let last = lane.finish(scope);
    findings.extend(last.findings);
    match last.stop {
        Some(rule) => Err(Stop(rule)),
        None => Ok(first.released + &last.released),
    }
}

/// The error that a caller sees.
fn refusal(rule: &Known) -> Error {
    Error::new(ErrorCode::ContentBlocked, rule.message.as_str())
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
