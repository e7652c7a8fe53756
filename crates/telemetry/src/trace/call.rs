//! The spans of a call to a model: the call itself, its steps, and every provider that was tried.
//!
//! Names are those of OpenTelemetry's conventions for generative AI (semantic-conventions-genai, in
//! development, as of 2026); what they have no name for begins with `yizhan.`. The call is one operation, retries
//! included, so tokens and `gen_ai.operation.name` stand at its span alone: who adds up spans counts once.

use super::context::TraceContext;
use super::describe::{Described, provider_attributes, provider_name};
use super::exporter::Content;
use super::otlp::{Attribute, Span, SpanKind, Status, attribute};
use super::outgoing::Outgoing;
use super::traced::Traced;
use crate::facts::CallFacts;
use std::time::{Duration, Instant};

/// A part of a call's way that takes time. A call is in one of them, or in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Requests, tokens and money are set aside.
    Limits,
    /// Rules look at what goes in.
    Rules,
    /// It is looked for an answer that was given before.
    Cache,
    /// It waits for a place.
    Queue,
    /// Passages are looked for.
    Retrieval,
    /// It is written down for the audit.
    Record,
}

impl Step {
    /// Its span's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limits => "limits",
            Self::Rules => "rules",
            Self::Cache => "cache",
            Self::Queue => "queue",
            Self::Retrieval => "retrieval",
            Self::Record => "record",
        }
    }
}

/// A provider that was tried.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// The place that its requests told.
    pub place: TraceContext,
    /// When it was asked.
    pub began: Instant,
    /// Until its first content, or its failure.
    pub took: Duration,
    /// Its configured name; `local` for models of this machine.
    pub provider: &'a str,
    /// The model there.
    pub model: &'a str,
    /// The HTTP status that it answered, if it did.
    pub status: Option<u16>,
    /// The error's code; empty when it answered.
    pub error: &'a str,
    /// Does its answer come in pieces?
    pub streamed: bool,
    /// Was it the last resort?
    pub last_resort: bool,
}

/// What a trace gathers of a call on its way. It costs nothing where the call is not sampled. The spans are
/// made when it is dropped.
#[derive(Debug, Default)]
pub struct CallTrace {
    outgoing: Option<Outgoing>,
    open: Option<Box<Open>>,
}

#[derive(Debug)]
struct Open {
    own: Traced,
    began: Instant,
    step: Option<(Step, TraceContext, Instant, Vec<Attribute>)>,
    /// When rules had looked at what goes in.
    checked: Option<Instant>,
    spans: Vec<Span>,
    tries: u64,
    asked: Vec<Attribute>,
    finish: Vec<&'static str>,
    texts: Texts,
    described: Option<Described>,
}

/// What was asked and answered, in the conventions' JSON.
#[derive(Debug, Default)]
struct Texts {
    input: Option<String>,
    output: Option<String>,
}

impl CallTrace {
    /// Of a call that begins now, within a request.
    pub fn begin(request: Option<&Traced>) -> Self {
        let Some(request) = request else { return Self::default() };
        if !request.is_recorded() {
            return Self { outgoing: Some(request.outgoing()), open: None };
        }
        let own = request.child();
        let open = Open {
            began: Instant::now(),
            step: None,
            checked: None,
            spans: Vec::new(),
            tries: 0,
            asked: Vec::new(),
            finish: Vec::new(),
            texts: Texts::default(),
            described: None,
            own,
        };
        Self { outgoing: Some(open.own.outgoing()), open: Some(Box::new(open)) }
    }

    /// What requests to others say.
    pub fn outgoing(&self) -> Option<Outgoing> {
        self.outgoing.clone()
    }

    /// Are spans wanted?
    pub fn is_recorded(&self) -> bool {
        self.open.is_some()
    }

    /// Which texts are wanted.
    pub fn content(&self) -> Content {
        self.open.as_ref().map_or(Content::None, |open| open.own.content())
    }

    /// A step begins; the one before is over.
    pub fn enter(&mut self, step: Step) {
        if let Some(open) = &mut self.open {
            open.leave();
            open.step = Some((step, open.own.context().child(), Instant::now(), Vec::new()));
        }
    }

    /// The step is over.
    pub fn leave(&mut self) {
        if let Some(open) = &mut self.open {
            open.leave();
        }
    }

    /// Something about the step.
    pub fn note(&mut self, name: &'static str, value: impl FnOnce() -> String) {
        if let Some((.., attributes)) = self.open.as_mut().and_then(|open| open.step.as_mut()) {
            attributes.push(attribute(name, value()));
        }
    }

    /// What requests of the present step say: they belong to its span.
    pub fn outgoing_of_step(&self) -> Option<Outgoing> {
        match self.open.as_ref().and_then(|open| open.step.as_ref()) {
            Some((_, place, ..)) => self.outgoing.as_ref().map(|outgoing| outgoing.at(*place)),
            None => self.outgoing.clone(),
        }
    }

    /// A provider was tried. One that answered goes on doing so until now.
    pub fn tried(&mut self, tried: &Tried<'_>) {
        if let Some(open) = &mut self.open {
            open.tried(tried);
        }
    }

    /// One of the answers ended, for that reason.
    pub fn finished(&mut self, reason: &'static str) {
        if let Some(open) = &mut self.open {
            open.finish.push(reason);
        }
    }

    /// What the answer is to be like, as far as the caller says.
    pub fn asked(&mut self, max_tokens: Option<u32>, temperature: Option<f32>, top_p: Option<f32>) {
        let Some(open) = &mut self.open else { return };
        open.asked.extend(max_tokens.map(|most| attribute("gen_ai.request.max_tokens", u64::from(most))));
        // By its text: 0.7 is not to become 0.699999988.
        let decimal = |number: f32| number.to_string().parse::<f64>().unwrap_or_default();
        open.asked.extend(temperature.map(|number| attribute("gen_ai.request.temperature", decimal(number))));
        open.asked.extend(top_p.map(|number| attribute("gen_ai.request.top_p", decimal(number))));
    }

    /// What was asked, in the conventions' JSON.
    pub fn set_input(&mut self, messages: String) {
        if let Some(open) = &mut self.open {
            open.texts.input = Some(messages);
        }
    }

    /// What was answered, likewise.
    pub fn set_output(&mut self, messages: String) {
        if let Some(open) = &mut self.open {
            open.texts.output = Some(messages);
        }
    }

    /// The call is over, but for being written down: what it was.
    pub fn describe(&mut self, call: &CallFacts<'_>) {
        let Some(open) = &mut self.open else { return };
        let now = Instant::now();
        let Some(shared) = open.own.shared() else { return };
        let times = (open.own.time_ns(open.checked.unwrap_or(now)), open.own.time_ns(now));
        let described = Described::new(call, &shared.providers.read(), &shared.currency, times);
        // A step that never ended is the one that the call ended in.
        let in_step = open.step.take();
        if let Some(step) = in_step {
            let is_ours = described.status != Status::Unset;
            let span = open.step_span(step, now);
            let failed = described.failure();
            open.spans.push(match failed {
                Some(word) => with_failure(span, word, is_ours),
                None => span,
            });
        }
        open.described = Some(described);
    }
}

fn with_failure(mut span: Span, word: &str, is_ours: bool) -> Span {
    span.attributes.push(attribute("error.type", word));
    if is_ours {
        span.status = Status::Error(word.to_owned());
    }
    span
}

impl Open {
    fn leave(&mut self) {
        if let Some(step) = self.step.take() {
            let now = Instant::now();
            if step.0 == Step::Rules {
                self.checked = Some(now);
            }
            let span = self.step_span(step, now);
            self.spans.push(span);
        }
    }

    fn step_span(&self, step: (Step, TraceContext, Instant, Vec<Attribute>), end: Instant) -> Span {
        let (step, place, began, attributes) = step;
        let times = (self.own.time_ns(began), self.own.time_ns(end));
        Span { attributes, ..Span::new(place, step.as_str(), SpanKind::Internal, times) }
    }

    fn tried(&mut self, tried: &Tried<'_>) {
        let Some(shared) = self.own.shared() else { return };
        self.tries += 1;
        let end = if tried.error.is_empty() { Instant::now() } else { tried.began + tried.took };
        let times = (self.own.time_ns(tried.began), self.own.time_ns(end));
        let is_local = matches!(tried.provider, "local" | "");
        let kind = if is_local { SpanKind::Internal } else { SpanKind::Client };
        let mut span = Span::new(tried.place, format!("attempt {}", tried.model), kind, times);
        let providers = shared.providers.read();
        span.attributes.push(attribute("gen_ai.provider.name", provider_name(tried.provider, &providers)));
        span.attributes.push(attribute("gen_ai.request.model", tried.model));
        span.attributes.push(attribute("yizhan.provider", tried.provider));
        span.attributes.push(attribute("yizhan.attempt", self.tries));
        span.attributes.extend(provider_attributes(tried.provider, &providers));
        drop(providers);
        span.attributes.extend(tried.status.map(|status| attribute("http.response.status_code", u64::from(status))));
        if tried.last_resort {
            span.attributes.push(attribute("yizhan.last_resort", true));
        }
        if tried.error.is_empty() && tried.streamed {
            span.attributes.push(attribute("gen_ai.response.time_to_first_chunk", tried.took.as_secs_f64()));
        }
        if !tried.error.is_empty() {
            span = with_failure(span, tried.error, tried.error != "cancelled");
        }
        self.spans.push(span);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.leave();
        let times = (self.own.time_ns(self.began), self.own.time_ns(Instant::now()));
        let mut span = match self.described.take() {
            Some(described) => described.span(self.own.context(), times),
            None => Span::new(self.own.context(), "call", SpanKind::Internal, times),
        };
        span.attributes.append(&mut self.asked);
        let finish: Vec<_> = self.finish.iter().map(|reason| (*reason).into()).collect();
        if !finish.is_empty() {
            span.attributes.push(attribute("gen_ai.response.finish_reasons", finish));
        }
        let texts = std::mem::take(&mut self.texts);
        for (name, text) in [("gen_ai.input.messages", texts.input), ("gen_ai.output.messages", texts.output)] {
            span.attributes.extend(text.map(|text| attribute(name, text)));
        }
        self.own.add(std::iter::once(span).chain(std::mem::take(&mut self.spans)));
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
pub(super) mod tests;
