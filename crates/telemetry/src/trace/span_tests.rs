use super::*;
use crate::facts::{CallKind, FindingFacts};
use serde_json::Value;
use yizhan_domain::{CallId, Money};

/// A streamed call that fell back from one provider to another.
pub(crate) fn fallen_back() -> CallFacts<'static> {
    let call = "call-0123456789abcdef01234567";
    let header = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    CallFacts {
        call,
        trace: Some(TraceContext::begin(&CallId::new(call), 0, header, 1.0)),
        time_ms: 1_700_000_000_123,
        kind: CallKind::Chat,
        tenant: "clinic",
        app: "",
        route: "assistant",
        model: "assistant",
        provider: "moon",
        served: "kimi-k2",
        outcome: CallOutcome::Ok,
        status: 200,
        streamed: true,
        total_ms: 2_000,
        first_token_ms: Some(900),
        usage: Usage { prompt_tokens: 120, completion_tokens: 80, cached_tokens: 64, ..Usage::default() },
        charge: Some(Money(137_000)),
        cache: "miss",
        fallback: true,
        attempts: vec![
            AttemptFacts {
                provider: "deepseek",
                model: "deepseek-chat",
                error: "provider_error",
                status: Some(503),
                ms: 300,
            },
            AttemptFacts { provider: "moon", model: "kimi-k2", error: "", status: Some(200), ms: 550 },
        ],
        findings: vec![FindingFacts { rule: "pii.mobile", action: "mask", output: false, count: 2 }],
        ..CallFacts::default()
    }
}

fn vendors() -> HashMap<String, String> {
    HashMap::from([("moon".to_owned(), "moonshot".to_owned())])
}

fn spans(call: &CallFacts<'_>) -> Vec<Span> {
    let context = call.trace.unwrap_or_else(|| TraceContext::begin(&CallId::new(call.call), call.time_ms, None, 1.0));
    CallSpan::new(call, context, &vendors(), "CNY").spans()
}

/// The golden file is OTLP's mapping read by hand, and is read by protobuf's own JSON reader in deploy/check.
#[test]
fn a_call_is_written_as_otlp_has_it() {
    let resource = [attribute("service.name", "yizhan"), attribute("service.version", "0.0.0")];
    let body = super::super::otlp::export(&resource, "0.0.0", &spans(&fallen_back()));
    let written: Value = serde_json::from_slice(&body).unwrap();
    let golden: Value = serde_json::from_str(include_str!("../../testdata/call.otlp.json")).unwrap();
    assert_eq!(written, golden, "written:\n{}", serde_json::to_string_pretty(&written).unwrap());
}

#[test]
fn attempts_lie_within_their_call() {
    let mut call = fallen_back();
    call.attempts[0].ms = u32::MAX;
    call.attempts[1].ms = u32::MAX;
    call.first_token_ms = Some(u32::MAX);
    for first in [Some(u32::MAX), Some(0), None] {
        call.first_token_ms = first;
        let spans = spans(&call);
        for span in &spans {
            assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
            assert!(spans[0].start_time_unix_nano <= span.start_time_unix_nano, "{span:?}");
            assert!(span.end_time_unix_nano <= spans[0].end_time_unix_nano, "{span:?}");
        }
    }
}

#[test]
fn only_what_is_our_fault_is_an_error() {
    for (outcome, status, is_error) in [
        (CallOutcome::Ok, 200, false),
        (CallOutcome::Refused, 429, false),
        (CallOutcome::Refused, 503, true),
        (CallOutcome::Blocked, 400, false),
        (CallOutcome::Cancelled, 499, false),
        (CallOutcome::CutOff, 200, false),
        (CallOutcome::Failed, 502, true),
    ] {
        let call = CallFacts { outcome, status, code: "provider_error", ..CallFacts::default() };
        let span = spans(&call).remove(0);
        assert_eq!(span.status != Status::Unset, is_error, "{outcome:?} {status}");
    }
}

#[test]
fn a_call_with_nothing_known_is_a_span_too() {
    let spans = spans(&CallFacts { time_ms: i64::MIN, ..CallFacts::default() });
    assert_eq!((spans.len(), spans[0].name.as_str(), spans[0].start_time_unix_nano), (1, "chat", 0));
}
