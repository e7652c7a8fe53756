//! An answer's events on their way through the rules.
//!
//! Every text of an answer is a lane of its own: each choice's text, reasoning, tool calls' arguments, and
//! the fields that hold more of its text. The order of events within a lane is kept.
//!
//! - Tool names come whole; each is looked at when it comes, with what came before of the same name.
//! - `logprobs` repeat the text token by token, ahead of what is decided: they are left out whenever
//!   some rule for answers can withhold text. Sound (`audio.data`) passes as it is.
//! - What is counted beneath the guard stays true: after a block the `End` has no usage.
//!
//! It does not know what the findings are for, nor how a withheld answer reaches a person.

use crate::compile::{Known, Side};
use crate::extra;
use crate::finding::{Finding, Findings, Place, Withheld};
use crate::guard::{Flow, Guard, Seen, Stop, whole};
use crate::lane::{Lane, Scope, Step};
use crate::rule::Action;
use futures_core::Stream;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use yizhan_domain::{Citation, Fields, FinishReason, Result, ToolCallPiece, Usage};
use yizhan_model::{ChatEvent, EventStream};

/// An answer that waits for a person is kept up to so many bytes of text.
const MOST_WITHHELD: usize = 4 << 20;

/// What is known of an answer before it comes.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// How many answers beside the first were asked for. When a rule ends the call all get a `Finish`, also
    /// those that had not begun.
    pub more_choices: u32,
    /// The answer is JSON: its escapes are read, it stays JSON when masked, and sentences to add go into an `Extra` field `yizhan.warnings`, not into the text.
    pub structured: bool,
    /// Sentences for the end of each answer, those of [`crate::Checked::warnings`].
    pub warnings: Vec<String>,
}

/// A guarded answer. Dropping it drops the upstream.
pub struct Guarded {
    upstream: Option<EventStream>,
    /// None when no rule looks at answers and no warning waits: events then pass as they are.
    watchman: Option<Box<Watchman>>,
    findings: Findings,
    guard: Arc<Guard>,
}

impl Guarded {
    pub(crate) fn new(guard: &Arc<Guard>, events: EventStream) -> Self {
        let findings = Findings::default();
        let watchman = (!guard.plan.output.is_empty()).then(|| Box::new(Watchman::new(guard, &findings)));
        Self { upstream: Some(events), watchman, findings, guard: guard.clone() }
    }

    /// The findings: the handle stays good after the stream is gone.
    pub fn findings(&self) -> Findings {
        self.findings.clone()
    }

    /// An answer that a person looks at, or has: the rules that want that find nothing, all others hold.
    pub fn reviewed(mut self) -> Self {
        if let Some(watchman) = &mut self.watchman {
            (watchman.seen, watchman.review) = (Seen::ByPerson, None);
        }
        self
    }

    /// Says what is known of the answer beforehand.
    pub fn expect(mut self, expected: Expected) -> Self {
        if !expected.warnings.is_empty() && self.watchman.is_none() {
            self.watchman = Some(Box::new(Watchman::new(&self.guard, &self.findings)));
        }
        if let Some(watchman) = &mut self.watchman {
            watchman.expected = expected;
        }
        self
    }
}

impl Stream for Guarded {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(watchman) = &mut this.watchman else {
            return match &mut this.upstream {
                Some(upstream) => upstream.as_mut().poll_next(context),
                None => Poll::Ready(None),
            };
        };
        loop {
            if watchman.ended {
                this.upstream = None;
            }
            if let Some(event) = watchman.ready.pop_front() {
                return Poll::Ready(Some(event));
            }
            let Some(upstream) = &mut this.upstream else { return Poll::Ready(None) };
            match upstream.as_mut().poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(event) => watchman.take(event),
            }
        }
    }
}

/// Looks at events one by one and says what may go on.
struct Watchman {
    guard: Arc<Guard>,
    findings: Findings,
    /// Boxed: a node of the map has room for eleven.
    choices: BTreeMap<u32, Box<Choice>>,
    /// Fields beside the choices.
    beside: BTreeMap<String, Lane>,
    ready: VecDeque<Result<ChatEvent>>,
    expected: Expected,
    ended: bool,
    seen: Seen,
    review: Option<Review>,
}

/// An answer that is kept for a person.
struct Review {
    events: Vec<ChatEvent>,
    bytes: usize,
    /// The rule, once one asked for it.
    rule: Option<u16>,
    complete: bool,
}

/// One of the answers.
#[derive(Default)]
struct Choice {
    text: Option<Lane>,
    reasoning: Option<Lane>,
    names: BTreeMap<u32, String>,
    arguments: BTreeMap<u32, Lane>,
    extras: BTreeMap<String, Lane>,
    /// Rules whose sentence is due.
    due: Vec<String>,
    warned: bool,
    finished: bool,
}

impl Watchman {
    fn new(guard: &Arc<Guard>, findings: &Findings) -> Self {
        let review = guard.plan.output.reviews;
        Self {
            guard: guard.clone(),
            findings: findings.clone(),
            choices: BTreeMap::new(),
            beside: BTreeMap::new(),
            ready: VecDeque::new(),
            expected: Expected::default(),
            ended: false,
            seen: Seen::default(),
            review: review.then(|| Review { events: Vec::new(), bytes: 0, rule: None, complete: false }),
        }
    }

    fn take(&mut self, event: Option<Result<ChatEvent>>) {
        if self.is_reviewing() {
            return self.collect(event);
        }
        if let (Some(review), Some(Ok(event))) = (&mut self.review, &event) {
            review.keep(event);
        }
        let taken = match event {
            Some(Ok(event)) => self.event(event),
            Some(Err(error)) => self.close().map(|()| {
                self.ended = true;
                self.ready.push_back(Err(error));
            }),
            None => self.close().map(|()| self.ended = true),
        };
        if let Err(Stop(rule)) = taken {
            self.stop(rule);
        }
    }

    fn event(&mut self, event: ChatEvent) -> Flow<()> {
        match event {
            ChatEvent::Text { choice, delta } => {
                let text = self.text(choice, delta)?;
                self.send_unless_empty(text, |delta| ChatEvent::Text { choice, delta });
            }
            ChatEvent::Reasoning { choice, delta } => {
                let text = self.reasoning(choice, delta)?;
                self.send_unless_empty(text, |delta| ChatEvent::Reasoning { choice, delta });
            }
            ChatEvent::ToolCall { choice, piece } => self.tool_call(choice, piece)?,
            ChatEvent::Extra { choice, fields } => self.extra(choice, fields)?,
            ChatEvent::Finish { choice, reason, citations } => {
                self.close_choice(choice)?;
                let citations = self.citations(choice, citations)?;
                self.choices.entry(choice).or_default().finished = true;
                self.send(ChatEvent::Finish { choice, reason, citations });
            }
            ChatEvent::End { usage } => {
                self.close()?;
                self.ended = true;
                self.send(ChatEvent::End { usage });
            }
        }
        Ok(())
    }

    fn send(&mut self, event: ChatEvent) {
        self.ready.push_back(Ok(event));
    }

    fn send_unless_empty(&mut self, text: String, event: impl FnOnce(String) -> ChatEvent) {
        if !text.is_empty() {
            self.send(event(text));
        }
    }

    fn text(&mut self, choice: u32, delta: String) -> Flow<String> {
        let guard = self.guard.clone();
        let side = &guard.plan.output;
        let state = self.choices.entry(choice).or_default();
        let new = if self.expected.structured { Lane::json } else { Lane::new };
        let lane = state.text.get_or_insert_with(|| new(Place::Answer { choice }, side));
        let step = lane.push(delta, &scope(&guard, self.seen));
        self.absorb(Some(choice), step, |delta| ChatEvent::Text { choice, delta })
    }

    fn reasoning(&mut self, choice: u32, delta: String) -> Flow<String> {
        let guard = self.guard.clone();
        let side = &guard.plan.output;
        let state = self.choices.entry(choice).or_default();
        let lane = state.reasoning.get_or_insert_with(|| Lane::new(Place::Reasoning { choice }, side));
        let step = lane.push(delta, &scope(&guard, self.seen));
        self.absorb(None, step, |delta| ChatEvent::Reasoning { choice, delta })
    }

    fn tool_call(&mut self, choice: u32, mut piece: ToolCallPiece) -> Flow<()> {
        let index = piece.index;
        if let Some(name) = piece.name.take() {
            piece.name = Some(self.tool_name(choice, index, name)?);
        }
        let guard = self.guard.clone();
        let side = &guard.plan.output;
        let state = self.choices.entry(choice).or_default();
        let place = Place::ToolArguments { choice, index };
        let lane = state.arguments.entry(index).or_insert_with(|| Lane::json(place, side));
        let empty = piece.arguments.is_empty();
        let step = lane.push(std::mem::take(&mut piece.arguments), &scope(&guard, self.seen));
        piece.arguments = self.absorb(None, step, |arguments| more_arguments(choice, index, arguments))?;
        piece.extra = self.fields(Some(choice), piece.extra)?;
        let bare = piece.id.is_none() && piece.name.is_none() && piece.extra.is_empty();
        if empty || !bare || !piece.arguments.is_empty() {
            self.send(ChatEvent::ToolCall { choice, piece });
        }
        Ok(())
    }

    /// A name is looked at together with the pieces of it that came before.
    fn tool_name(&mut self, choice: u32, index: u32, name: String) -> Flow<String> {
        let known = self.choices.entry(choice).or_default().names.entry(index).or_default();
        let first = known.is_empty();
        known.push_str(&name);
        let together = known.clone();
        let checked = self.whole(Place::ToolName { choice, index }, together.clone())?;
        if first {
            return Ok(checked);
        }
        // What came before is sent already: a later piece goes only if the whole is unharmed.
        Ok(if checked == together { name } else { String::new() })
    }

    fn extra(&mut self, choice: Option<u32>, fields: Fields) -> Flow<()> {
        let fields = self.fields(choice, fields)?;
        if !fields.is_empty() {
            self.send(ChatEvent::Extra { choice, fields });
        }
        Ok(())
    }

    /// Looks at every text in fields that nobody else reads.
    fn fields(&mut self, choice: Option<u32>, mut fields: Fields) -> Flow<Fields> {
        if !self.guard.plan.output.gate.is_empty() {
            fields.retain(|name, _| name != extra::LOGPROBS);
        }
        let mut path = String::new();
        extra::each_text(&mut fields, &mut path, &mut |path, text| {
            let place = Place::Extra { choice, path: path.to_owned() };
            *text = if extra::is_streamed(path) {
                self.streamed_field(choice, path, std::mem::take(text))?
            } else {
                self.whole(place, std::mem::take(text))?
            };
            Ok::<(), Stop>(())
        })?;
        Ok(fields)
    }

    /// A field whose text comes in pieces has a lane.
    fn streamed_field(&mut self, choice: Option<u32>, path: &str, text: String) -> Flow<String> {
        let guard = self.guard.clone();
        let lanes = match choice {
            Some(choice) => &mut self.choices.entry(choice).or_default().extras,
            None => &mut self.beside,
        };
        let place = Place::Extra { choice, path: path.to_owned() };
        let lane = lanes.entry(path.to_owned()).or_insert_with(|| Lane::new(place, &guard.plan.output));
        let step = lane.push(text, &scope(&guard, self.seen));
        let fields = |text| ChatEvent::Extra { choice, fields: extra::at_path(path, text) };
        self.absorb(None, step, fields)
    }

    fn citations(&mut self, choice: u32, mut citations: Vec<Citation>) -> Flow<Vec<Citation>> {
        for citation in &mut citations {
            let place = Place::Quote { choice, index: citation.index };
            citation.quote = self.whole(place, std::mem::take(&mut citation.quote))?;
        }
        Ok(citations)
    }

    /// A text that comes whole. What warns of an answer is not asked of it.
    fn whole(&mut self, place: Place, text: String) -> Flow<String> {
        let mut findings = Vec::new();
        let guard = self.guard.clone();
        let mut lane = Lane::new(place, &guard.plan.output);
        let text = whole(&mut lane, text, &scope(&guard, self.seen), &mut findings);
        findings.into_iter().for_each(|finding| self.note(None, finding));
        text
    }

    /// Takes what a lane said: findings are noted, text is given back, or sent before a stop.
    fn absorb(&mut self, warns: Option<u32>, step: Step, event: impl FnOnce(String) -> ChatEvent) -> Flow<String> {
        for finding in step.findings {
            self.note(warns, finding);
        }
        match step.stop {
            None => Ok(step.released),
            Some(rule) => {
                self.send_unless_empty(step.released, event);
                Err(Stop(rule))
            }
        }
    }

    /// Records a finding. Only an answer's own text makes a warning due; elsewhere there is nothing to warn of.
    fn note(&mut self, warns: Option<u32>, finding: Finding) {
        if finding.action == Action::Warn {
            let Some(choice) = warns else { return };
            let state = self.choices.entry(choice).or_default();
            if !state.due.contains(&finding.rule) {
                state.due.push(finding.rule.clone());
            }
        }
        self.findings.add(finding);
    }

    /// Everything that is still open comes to its end.
    fn close(&mut self) -> Flow<()> {
        let open: Vec<u32> = self.choices.keys().copied().collect();
        for choice in open {
            self.close_choice(choice)?;
        }
        let beside = std::mem::take(&mut self.beside);
        self.close_fields(None, beside)
    }

    fn close_choice(&mut self, choice: u32) -> Flow<()> {
        let guard = self.guard.clone();
        let scope = scope(&guard, self.seen);
        let state = self.choices.entry(choice).or_default();
        let reasoning = state.reasoning.take();
        let text = state.text.take();
        let arguments = std::mem::take(&mut state.arguments);
        let extras = std::mem::take(&mut state.extras);
        if let Some(mut lane) = reasoning {
            let event = |delta| ChatEvent::Reasoning { choice, delta };
            let rest = self.absorb(None, lane.finish(&scope), event)?;
            self.send_unless_empty(rest, event);
        }
        if let Some(mut lane) = text {
            let event = |delta| ChatEvent::Text { choice, delta };
            let rest = self.absorb(Some(choice), lane.finish(&scope), event)?;
            self.send_unless_empty(rest, event);
        }
        for (index, mut lane) in arguments {
            let event = |arguments| more_arguments(choice, index, arguments);
            let rest = self.absorb(None, lane.finish(&scope), event)?;
            self.send_unless_empty(rest, event);
        }
        self.close_fields(Some(choice), extras)?;
        self.warn(choice);
        Ok(())
    }

    fn close_fields(&mut self, choice: Option<u32>, lanes: BTreeMap<String, Lane>) -> Flow<()> {
        let guard = self.guard.clone();
        for (path, mut lane) in lanes {
            let event = |text| ChatEvent::Extra { choice, fields: extra::at_path(&path, text) };
            let rest = self.absorb(None, lane.finish(&scope(&guard, self.seen)), event)?;
            self.send_unless_empty(rest, event);
        }
        Ok(())
    }

    /// The sentences that are due at the end of an answer.
    fn warn(&mut self, choice: u32) {
        let state = self.choices.entry(choice).or_default();
        if std::mem::replace(&mut state.warned, true) {
            return;
        }
        let due = std::mem::take(&mut state.due);
        let rules = self.guard.plan.rules.iter().filter(|rule| due.contains(&rule.id));
        let mut sentences = self.expected.warnings.clone();
        for rule in rules {
            if !sentences.contains(&rule.message) {
                sentences.push(rule.message.clone());
            }
        }
        if sentences.is_empty() {
            return;
        }
        if self.expected.structured {
            self.send(ChatEvent::Extra { choice: Some(choice), fields: ours("warnings", json!(sentences)) });
        } else {
            let delta = sentences.iter().map(|sentence| format!("\n\n{sentence}")).collect();
            self.send(ChatEvent::Text { choice, delta });
        }
    }

    /// A rule ends the call.
    fn stop(&mut self, rule: u16) {
        let Some(known) = self.guard.plan.rules.get(usize::from(rule)) else { return };
        if let (Action::Review, Some(review)) = (known.action, &mut self.review) {
            // The rest is not for the caller any more, but for the person who looks at it.
            review.rule = Some(rule);
            if matches!(review.events.last(), Some(ChatEvent::End { .. })) {
                review.complete = true;
                self.end(rule, "review");
            }
            return;
        }
        self.end(rule, "blocked");
    }

    /// Tells the caller, ends every answer, and lets the upstream go.
    fn end(&mut self, rule: u16, word: &str) {
        self.ended = true;
        if let Some(known) = self.guard.plan.rules.get(usize::from(rule)) {
            let value = json!({ "rule": known.id, "message": known.message });
            self.send(ChatEvent::Extra { choice: None, fields: ours(word, value) });
        }
        for choice in 0..=self.expected.more_choices {
            self.choices.entry(choice).or_default();
        }
        let open: Vec<u32> = self.choices.iter().filter(|(_, c)| !c.finished).map(|(number, _)| *number).collect();
        for choice in open {
            let reason = FinishReason::ContentFilter;
            self.send(ChatEvent::Finish { choice, reason, citations: Vec::new() });
        }
        self.send(ChatEvent::End { usage: Usage::default() });
        self.hand_over();
    }

    fn is_reviewing(&self) -> bool {
        self.review.as_ref().is_some_and(|review| review.rule.is_some())
    }

    /// Keeps the rest of an answer that waits for a person.
    fn collect(&mut self, event: Option<Result<ChatEvent>>) {
        let Some(review) = &mut self.review else { return };
        let Some(rule) = review.rule else { return };
        if let Some(Ok(event)) = &event {
            review.keep(event);
            review.complete = matches!(event, ChatEvent::End { .. });
            if !review.complete && review.bytes <= MOST_WITHHELD {
                return;
            }
        }
        self.end(rule, "review");
    }
}

impl Drop for Watchman {
    /// A withheld answer reaches its person also when the caller has gone.
    fn drop(&mut self) {
        self.hand_over();
    }
}

impl Watchman {
    fn hand_over(&mut self) {
        let Some(Review { events, rule: Some(rule), complete, .. }) = self.review.take() else { return };
        if let Some(known) = self.guard.plan.rules.get(usize::from(rule)) {
            let (rule, message) = (known.id.clone(), known.message.clone());
            self.findings.withhold(Withheld { rule, message, events, complete });
        }
    }
}

impl Review {
    fn keep(&mut self, event: &ChatEvent) {
        self.bytes += match event {
            ChatEvent::Text { delta, .. } | ChatEvent::Reasoning { delta, .. } => delta.len(),
            ChatEvent::ToolCall { piece, .. } => piece.arguments.len(),
            _ => 0,
        };
        if self.bytes <= MOST_WITHHELD {
            self.events.push(event.clone());
        }
    }
}

fn scope(guard: &Guard, seen: Seen) -> Scope<'_> {
    let side: &Side = &guard.plan.output;
    let counts: &dyn Fn(&Known) -> bool = match seen {
        Seen::ByNobody => &|_| true,
        Seen::ByPerson => &|rule| Seen::ByPerson.leaves(rule),
    };
    Scope { rules: &guard.plan.rules, side, counts, look_on: false }
}

fn more_arguments(choice: u32, index: u32, arguments: String) -> ChatEvent {
    ChatEvent::ToolCall { choice, piece: ToolCallPiece { index, arguments, ..ToolCallPiece::default() } }
}

fn ours(word: &str, value: Value) -> Fields {
    let Value::Object(fields) = json!({ "yizhan": { word: value } }) else { return Fields::new() };
    fields
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
