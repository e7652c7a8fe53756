//! What a trace keeps of a call until it is exported, and the spans that it becomes.
//!
//! Names are those of OpenTelemetry's conventions for generative AI (semantic-conventions-genai, in
//! development, as of 2026); what they have no name for begins with `yizhan.`. The call is one operation, retries
//! included, so tokens and `gen_ai.operation.name` stand at its span alone: who adds up spans counts once.

use super::context::TraceContext;
use super::otlp::{Attribute, Event, Span, SpanKind, Status, attribute};
use crate::facts::{AttemptFacts, CallFacts, CallOutcome};
use std::collections::HashMap;
use yizhan_domain::Usage;

/// The call's facts as values of its own. Texts are copied only for calls that are sampled.
#[derive(Clone, Debug)]
pub(super) struct CallSpan {
    context: TraceContext,
    begin_ns: u64,
    end_ns: u64,
    first_token_ms: Option<u32>,
    name: String,
    attributes: Vec<Attribute>,
    events: Vec<Event>,
    status: Status,
    attempts: Vec<AttemptSpan>,
}

#[derive(Clone, Debug)]
struct AttemptSpan {
    provider: String,
    model: String,
    error: String,
    status: Option<u16>,
    ms: u32,
}

const MS: u64 = 1_000_000;

/// The conventions' words for providers, by ours where they differ.
fn conventional(vendor: &str) -> &str {
    match vendor {
        "moonshot" => "moonshot_ai",
        other => other,
    }
}

/// `gen_ai.provider.name` of a configured provider.
fn provider_name<'a>(provider: &'a str, vendors: &'a HashMap<String, String>) -> &'a str {
    match provider {
        "" => "yizhan",
        known => conventional(vendors.get(known).map_or(known, String::as_str)),
    }
}

impl CallSpan {
    pub(super) fn new(
        call: &CallFacts<'_>,
        context: TraceContext,
        vendors: &HashMap<String, String>,
        currency: &str,
    ) -> Self {
        let begin_ns = u64::try_from(call.time_ms).unwrap_or(0).saturating_mul(MS);
        let end_ns = begin_ns.saturating_add(u64::from(call.total_ms) * MS);
        let operation = call.kind.operation();
        let name = if call.model.is_empty() { operation.to_owned() } else { format!("{operation} {}", call.model) };
        let attempt = |one: &AttemptFacts<'_>| AttemptSpan {
            provider: provider_name(one.provider, vendors).to_owned(),
            model: one.model.to_owned(),
            error: one.error.to_owned(),
            status: one.status,
            ms: one.ms,
        };
        Self {
            context,
            begin_ns,
            end_ns,
            first_token_ms: call.first_token_ms,
            name,
            attributes: attributes(call, vendors, currency),
            events: events(call, end_ns),
            status: status(call),
            attempts: call.attempts.iter().map(attempt).collect(),
        }
    }

    /// The call's span, and those of its attempts.
    pub(super) fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::with_capacity(1 + self.attempts.len());
        spans.push(Span {
            trace_id: self.context.trace_id(),
            span_id: self.context.span_id(),
            parent_span_id: self.context.parent_id(),
            name: self.name.clone(),
            kind: SpanKind::Server,
            start_time_unix_nano: self.begin_ns,
            end_time_unix_nano: self.end_ns,
            attributes: self.attributes.clone(),
            events: self.events.clone(),
            status: self.status.clone(),
        });
        let mut next_ns = self.begin_ns;
        for (number, attempt) in (0u64..).zip(&self.attempts) {
            let (begin_ns, end_ns) = self.times(attempt, next_ns);
            next_ns = end_ns;
            spans.push(self.attempt(number, attempt, begin_ns, end_ns));
        }
        spans
    }

    /// When an attempt ran. Only durations are known: failed ones are laid one after another; the one that
    /// answered lasts to the call's end, and began so long before the first token as it took to give it.
    fn times(&self, attempt: &AttemptSpan, next_ns: u64) -> (u64, u64) {
        let took_ns = u64::from(attempt.ms) * MS;
        if !attempt.error.is_empty() {
            let end_ns = next_ns.saturating_add(took_ns).min(self.end_ns);
            return (next_ns.min(end_ns), end_ns);
        }
        let first_ns = self.first_token_ms.map(|ms| self.begin_ns.saturating_add(u64::from(ms) * MS));
        let begin_ns = first_ns.map_or(next_ns, |first| first.saturating_sub(took_ns).max(next_ns));
        (begin_ns.min(self.end_ns), self.end_ns)
    }

    fn attempt(&self, number: u64, attempt: &AttemptSpan, begin_ns: u64, end_ns: u64) -> Span {
        let mut attributes = vec![
            attribute("gen_ai.provider.name", attempt.provider.as_str()),
            attribute("gen_ai.request.model", attempt.model.as_str()),
            attribute("yizhan.attempt", number + 1),
        ];
        if let Some(status) = attempt.status {
            attributes.push(attribute("http.response.status_code", u64::from(status)));
        }
        let status = if attempt.error.is_empty() {
            Status::Unset
        } else {
            attributes.push(attribute("error.type", attempt.error.as_str()));
            Status::Error(attempt.error.clone())
        };
        let is_local = matches!(attempt.provider.as_str(), "local" | "yizhan");
        Span {
            trace_id: self.context.trace_id(),
            span_id: self.context.attempt_id(number),
            parent_span_id: Some(self.context.span_id()),
            name: format!("attempt {}", attempt.model),
            kind: if is_local { SpanKind::Internal } else { SpanKind::Client },
            start_time_unix_nano: begin_ns,
            end_time_unix_nano: end_ns,
            attributes,
            events: Vec::new(),
            status,
        }
    }
}

fn attributes(call: &CallFacts<'_>, vendors: &HashMap<String, String>, currency: &str) -> Vec<Attribute> {
    let mut all = vec![
        attribute("gen_ai.operation.name", call.kind.operation()),
        attribute("gen_ai.provider.name", provider_name(call.provider, vendors)),
    ];
    let mut text = |name: &'static str, value: &str| {
        if !value.is_empty() {
            all.push(attribute(name, value));
        }
    };
    text("gen_ai.request.model", call.model);
    text("gen_ai.response.model", call.served);
    text("yizhan.call", call.call);
    text("yizhan.tenant", call.tenant);
    text("yizhan.app", call.app);
    text("yizhan.route", call.route);
    text("yizhan.outcome", call.outcome.as_str());
    text("yizhan.cache", call.cache);
    text("error.type", if call.outcome == CallOutcome::Ok { "" } else { call.code });
    if call.streamed {
        all.push(attribute("gen_ai.request.stream", true));
        if let Some(ms) = call.first_token_ms {
            all.push(attribute("gen_ai.response.time_to_first_chunk", f64::from(ms) / 1000.0));
        }
    }
    if call.status != 0 {
        all.push(attribute("http.response.status_code", u64::from(call.status)));
    }
    if call.fallback {
        all.push(attribute("yizhan.fallback", true));
    }
    tokens(&mut all, &call.usage);
    if let Some(charge) = call.charge {
        all.push(attribute("yizhan.charge", charge.to_f64()));
        all.push(attribute("yizhan.currency", currency));
    }
    all
}

fn tokens(all: &mut Vec<Attribute>, usage: &Usage) {
    let counts = [
        ("gen_ai.usage.input_tokens", usage.prompt_tokens),
        ("gen_ai.usage.output_tokens", usage.completion_tokens),
        ("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens),
        ("gen_ai.usage.cache_creation.input_tokens", usage.cache_write_tokens),
        ("gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens),
    ];
    all.extend(
        counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| attribute(name, u64::from(count))),
    );
}

fn events(call: &CallFacts<'_>, end_ns: u64) -> Vec<Event> {
    let event = |found: &crate::facts::FindingFacts<'_>| Event {
        time_unix_nano: end_ns,
        name: "yizhan.rule",
        attributes: vec![
            attribute("yizhan.rule", found.rule),
            attribute("yizhan.action", found.action),
            attribute("yizhan.side", if found.output { "output" } else { "input" }),
            attribute("yizhan.count", u64::from(found.count)),
        ],
    };
    call.findings.iter().map(event).collect()
}

/// As for servers: what the caller did wrong, or broke off, is no error of ours.
fn status(call: &CallFacts<'_>) -> Status {
    match call.outcome {
        CallOutcome::Failed => Status::Error(call.code.to_owned()),
        CallOutcome::Refused if call.status >= 500 => Status::Error(call.code.to_owned()),
        _ => Status::Unset,
    }
}

#[cfg(test)]
#[path = "span_tests.rs"]
pub(super) mod tests;
