//! A call's facts as what its span says of them.
//!
//! It does not know times other than those it is given.

use super::context::TraceContext;
use super::exporter::ProviderFacts;
use super::otlp::{Attribute, Event, Span, SpanKind, Status, attribute};
use crate::facts::{CallFacts, CallOutcome};
use std::collections::HashMap;
use yizhan_domain::Usage;

/// What a call was, as values of its own.
#[derive(Debug)]
pub(super) struct Described {
    name: String,
    kind: SpanKind,
    attributes: Vec<Attribute>,
    events: Vec<Event>,
    pub(super) status: Status,
    failure: Option<String>,
}

/// The conventions' words for vendors, by ours where they differ.
fn conventional(vendor: &str) -> &str {
    match vendor {
        "moonshot" => "moonshot_ai",
        other => other,
    }
}

/// `gen_ai.provider.name` of a configured provider.
pub(super) fn provider_name<'a>(provider: &'a str, providers: &'a HashMap<String, ProviderFacts>) -> &'a str {
    match provider {
        "" | "local" => "yizhan",
        known => match providers.get(known).map(|facts| facts.vendor.as_str()) {
            // Whose it is, the configured name alone says.
            None | Some("openai-compatible") => known,
            Some(vendor) => conventional(vendor),
        },
    }
}

/// Where a provider's requests go.
pub(super) fn provider_attributes(provider: &str, providers: &HashMap<String, ProviderFacts>) -> Vec<Attribute> {
    match providers.get(provider) {
        Some(facts) => {
            vec![attribute("server.address", facts.host.as_str()), attribute("server.port", u64::from(facts.port))]
        }
        None => Vec::new(),
    }
}

impl Described {
    /// Rules had looked at what goes in, and the call ended, at these times.
    pub(super) fn new(
        call: &CallFacts<'_>,
        providers: &HashMap<String, ProviderFacts>,
        currency: &str,
        (checked_ns, end_ns): (u64, u64),
    ) -> Self {
        let operation = call.kind.operation();
        let name = if call.model.is_empty() { operation.to_owned() } else { format!("{operation} {}", call.model) };
        // Answered by somebody else, the call is that of a client; what is in memory or fails before, is not.
        let is_remote = providers.contains_key(provider(call));
        Self {
            name,
            kind: if is_remote { SpanKind::Client } else { SpanKind::Internal },
            attributes: attributes(call, providers, currency),
            events: events(call, checked_ns, end_ns),
            status: status(call),
            failure: failure(call).map(str::to_owned),
        }
    }

    /// `error.type`, where it did not end as asked.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    pub(super) fn span(self, place: TraceContext, times: (u64, u64)) -> Span {
        let Self { name, kind, attributes, events, status, .. } = self;
        Span { attributes, events, status, ..Span::new(place, name, kind, times) }
    }
}

/// Who served, else who was tried last.
fn provider<'a>(call: &CallFacts<'a>) -> &'a str {
    match call.attempts.last() {
        Some(last) if call.provider.is_empty() => last.provider,
        _ => call.provider,
    }
}

fn failure<'a>(call: &CallFacts<'a>) -> Option<&'a str> {
    match call.outcome {
        CallOutcome::Ok => None,
        CallOutcome::Blocked => Some("content_blocked"),
        CallOutcome::Cancelled => Some("cancelled"),
        CallOutcome::CutOff => Some("cut_off"),
        CallOutcome::Held | CallOutcome::Refused | CallOutcome::Failed => {
            Some(if call.code.is_empty() { "_OTHER" } else { call.code })
        }
    }
}

fn attributes(call: &CallFacts<'_>, providers: &HashMap<String, ProviderFacts>, currency: &str) -> Vec<Attribute> {
    let mut all = vec![
        attribute("gen_ai.operation.name", call.kind.operation()),
        attribute("gen_ai.provider.name", provider_name(provider(call), providers)),
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
    text("yizhan.provider", provider(call));
    text("yizhan.outcome", call.outcome.as_str());
    text("yizhan.cache", call.cache);
    text("yizhan.rule", if call.outcome == CallOutcome::Blocked { call.code } else { "" });
    text("error.type", failure(call).unwrap_or(""));
    all.extend(provider_attributes(provider(call), providers));
    if call.streamed {
        all.push(attribute("gen_ai.request.stream", true));
        if let Some(ms) = call.first_token_ms {
            all.push(attribute("gen_ai.response.time_to_first_chunk", f64::from(ms) / 1000.0));
        }
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

fn events(call: &CallFacts<'_>, checked_ns: u64, end_ns: u64) -> Vec<Event> {
    let event = |found: &crate::facts::FindingFacts<'_>| Event {
        time_unix_nano: if found.output { end_ns } else { checked_ns },
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
