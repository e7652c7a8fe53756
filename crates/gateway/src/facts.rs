//! An audit record as metrics and traces know it.
//!
//! It does not know what they do with it.

use yizhan_audit::{Attempt, Cached, Finding, Kind, Outcome, Record};
use yizhan_domain::ErrorCode;
use yizhan_telemetry::{AttemptFacts, CallFacts, CallKind, CallOutcome, FindingFacts};

/// The facts of a call; none where the record is about something else.
pub fn facts(record: &Record) -> Option<CallFacts<'_>> {
    fn text<'a, T>(id: &'a Option<T>, as_str: impl Fn(&'a T) -> &'a str) -> &'a str {
        id.as_ref().map_or("", as_str)
    }
    let served = record.served.as_ref();
    Some(CallFacts {
        call: record.call.as_str(),
        time_ms: record.time_ms,
        kind: kind(record.kind)?,
        tenant: text(&record.tenant, |id| id.as_str()),
        app: record.app.as_deref().unwrap_or(""),
        route: record.route.as_deref().unwrap_or(""),
        model: text(&record.model, |name| name.as_str()),
        provider: served.map_or("", |served| served.provider.as_str()),
        served: served.map_or("", |served| served.model.as_str()),
        outcome: CallOutcome::parse(record.outcome.word()),
        code: code(&record.outcome),
        limit: record.extra.get("limit").and_then(|limit| limit.as_str()).unwrap_or(""),
        status: record.status,
        streamed: record.streamed,
        total_ms: record.total_ms,
        first_token_ms: record.first_token_ms,
        usage: record.usage,
        charge: record.charge.as_ref().map(|charge| charge.amount),
        cache: if record.cache == Cached::Miss { "" } else { record.cache.word() },
        fallback: record.fallback,
        attempts: record.attempts.iter().map(attempt).collect(),
        findings: record.findings.iter().map(finding).collect(),
    })
}

/// The error's code or the rule; not a review's id, of which there is no end.
fn code(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Held(_) => ErrorCode::HeldForReview.as_str(),
        other => other.detail().unwrap_or(""),
    }
}

fn kind(kind: Kind) -> Option<CallKind> {
    Some(match kind {
        Kind::Chat => CallKind::Chat,
        Kind::Embedding => CallKind::Embedding,
        Kind::Rerank => CallKind::Rerank,
        Kind::Moderation => CallKind::Moderation,
        Kind::Search => CallKind::Search,
        Kind::Other => CallKind::Other,
        _ => return None,
    })
}

fn attempt(attempt: &Attempt) -> AttemptFacts<'_> {
    AttemptFacts {
        provider: &attempt.provider,
        model: &attempt.model,
        error: attempt.error.as_ref().map_or("", |code| code.as_str()),
        status: attempt.status,
        ms: attempt.ms,
    }
}

fn finding(finding: &Finding) -> FindingFacts<'_> {
    FindingFacts { rule: &finding.rule, action: &finding.action, output: finding.output, count: finding.count }
}
