use super::super::exporter::{Answer, Exporter, Post, ProviderFacts, TraceOptions, Tracer};
use super::*;
use crate::facts::{CallOutcome, FindingFacts};
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use yizhan_domain::{CallId, Money, Result, Usage};

const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A streamed call that fell back from one provider to another.
fn fallen_back() -> CallFacts<'static> {
    CallFacts {
        call: "call-0123456789abcdef01234567",
        tenant: "clinic",
        route: "assistant",
        model: "assistant",
        provider: "moon",
        served: "kimi-k2",
        outcome: CallOutcome::Ok,
        status: 200,
        streamed: true,
        first_token_ms: Some(900),
        usage: Usage { prompt_tokens: 120, completion_tokens: 80, cached_tokens: 64, ..Usage::default() },
        charge: Some(Money(137_000)),
        fallback: true,
        findings: vec![
            FindingFacts { rule: "pii.mobile", action: "mask", output: false, count: 2 },
            FindingFacts { rule: "dose", action: "warn", output: true, count: 1 },
        ],
        ..CallFacts::default()
    }
}

/// Keeps what comes.
#[derive(Default)]
struct Kept(Mutex<Vec<Value>>);

#[async_trait]
impl Post for Kept {
    async fn post(&self, body: Vec<u8>) -> Result<Answer> {
        self.0.lock().push(serde_json::from_slice(&body).unwrap());
        Ok(Answer { status: 200, retry_after: None })
    }
}

fn tracer() -> (Tracer, Exporter, Arc<Kept>) {
    let kept = Arc::<Kept>::default();
    let (tracer, exporter) = Tracer::new(TraceOptions::default(), Arc::clone(&kept) as Arc<dyn Post>);
    let facts = ProviderFacts { vendor: "moonshot".to_owned(), host: "api.moonshot.cn".to_owned(), port: 443 };
    tracer.set_providers(HashMap::from([("moon".to_owned(), facts)]));
    (tracer, exporter, kept)
}

/// The spans that the work makes, the last first-born first.
fn spans(header: &str, work: impl FnOnce(Option<&Traced>)) -> Vec<Value> {
    let (tracer, exporter, kept) = tracer();
    let traced = tracer.begin(&CallId::new("call-0123456789abcdef01234567"), 0, Some(header), None);
    work(Some(&traced));
    drop((traced, tracer));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(exporter.run(std::future::pending()));
    let bodies = kept.0.lock();
    let spans = bodies.iter().flat_map(|body| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap());
    spans.cloned().collect()
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no span '{name}' in {spans:#?}"))
}

fn value(span: &Value, name: &str) -> Value {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == name);
    found.and_then(|found| found["value"].as_object()?.values().next().cloned()).unwrap_or_default()
}

fn tried(trace: &mut CallTrace, provider: &str, error: &str) {
    let place = trace.outgoing().unwrap().child().context();
    let model = if error.is_empty() { "kimi-k2" } else { "deepseek-chat" };
    let took = Duration::from_millis(3);
    trace.tried(&Tried {
        place,
        began: Instant::now() - took,
        took,
        provider,
        model,
        status: Some(if error.is_empty() { 200 } else { 502 }),
        error,
        streamed: true,
        last_resort: false,
    });
}

#[test]
fn a_call_is_a_tree_of_spans() {
    let spans = spans(HEADER, |request| {
        let mut trace = CallTrace::begin(request);
        trace.asked(Some(64), Some(0.7), None);
        trace.enter(Step::Limits);
        trace.enter(Step::Rules);
        trace.enter(Step::Queue);
        trace.leave();
        tried(&mut trace, "other", "provider_error");
        tried(&mut trace, "moon", "");
        trace.finished("stop");
        trace.describe(&fallen_back());
        trace.enter(Step::Record);
    });
    let call = named(&spans, "chat assistant");
    assert_eq!(spans.len(), 7, "{spans:#?}");
    for span in &spans {
        assert_eq!(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
        assert!(span["spanId"] == call["spanId"] || span["parentSpanId"] == call["spanId"], "{span}");
        for (early, late) in [
            (&call["startTimeUnixNano"], &span["startTimeUnixNano"]),
            (&span["startTimeUnixNano"], &span["endTimeUnixNano"]),
            (&span["endTimeUnixNano"], &call["endTimeUnixNano"]),
        ] {
            let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
            assert!(number(early) <= number(late) || span["name"].as_str().unwrap().starts_with("attempt"), "{span}");
        }
    }
    assert_eq!(call["kind"], 3);
    assert_eq!(value(call, "gen_ai.provider.name"), "moonshot_ai");
    assert_eq!(value(call, "server.address"), "api.moonshot.cn");
    assert_eq!(value(call, "gen_ai.usage.input_tokens"), "120");
    assert_eq!(
        (value(call, "gen_ai.request.max_tokens"), value(call, "gen_ai.request.temperature")),
        ("64".into(), 0.7.into())
    );
    assert!(value(call, "gen_ai.request.top_p").is_null());
    assert_eq!(value(call, "gen_ai.response.finish_reasons")["values"][0]["stringValue"], "stop");
    let events = call["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert!(events[0]["timeUnixNano"].as_str() < events[1]["timeUnixNano"].as_str(), "{events:#?}");
    let failed = named(&spans, "attempt deepseek-chat");
    assert_eq!((&failed["status"]["code"], value(failed, "error.type")), (&2.into(), "provider_error".into()));
    assert_eq!(value(failed, "http.response.status_code"), "502");
    assert_eq!(value(named(&spans, "attempt kimi-k2"), "http.response.status_code"), "200");
    assert_eq!(value(named(&spans, "attempt kimi-k2"), "server.port"), "443");
}

#[test]
fn a_call_that_is_refused_ends_in_the_step_that_refused_it() {
    for (status, code, is_ours) in [(429, "rate_limit_exceeded", false), (503, "overloaded", true)] {
        let spans = spans(HEADER, |request| {
            let mut trace = CallTrace::begin(request);
            trace.enter(Step::Limits);
            let call = CallFacts { outcome: CallOutcome::Refused, status, code, ..CallFacts::default() };
            trace.describe(&call);
        });
        for name in ["limits", "chat"] {
            let span = named(&spans, name);
            assert_eq!(value(span, "error.type"), code);
            assert_eq!(span["status"]["code"] == 2, is_ours, "{span}");
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
        let spans = spans(HEADER, |request| CallTrace::begin(request).describe(&call));
        assert_eq!(spans[0]["status"]["code"] == 2, is_error, "{outcome:?} {status}");
        assert_eq!(value(&spans[0], "error.type").is_null(), outcome == CallOutcome::Ok, "{outcome:?}");
    }
}

#[test]
fn a_call_that_nobody_described_is_a_span_too() {
    let spans = spans(HEADER, |request| drop(CallTrace::begin(request)));
    assert_eq!((spans.len(), &spans[0]["name"]), (1, &"call".into()));
}

#[test]
fn what_the_caller_does_not_sample_is_passed_on_and_not_recorded() {
    let header = HEADER.replace("-01", "-00");
    let spans = spans(&header, |request| {
        let mut trace = CallTrace::begin(request);
        trace.enter(Step::Queue);
        assert!(!trace.is_recorded());
        let told = trace.outgoing().unwrap().child().context().traceparent();
        assert!(told.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && told.ends_with("-00"), "{told}");
    });
    assert!(spans.is_empty());
    assert!(CallTrace::begin(None).outgoing().is_none());
}

#[tokio::test]
async fn requests_tell_of_the_trace_that_their_work_belongs_to() {
    assert_eq!(Outgoing::headers(), None);
    let (tracer, _exporter, _kept) = tracer();
    let state = "vendor=1,other=2";
    let long = "k=v,".repeat(200);
    for (traceparent, tracestate, told) in [
        (Some(HEADER), Some(state), Some(state)),
        (Some(HEADER), Some("line\nbreak"), None),
        (Some(HEADER), Some(long.as_str()), None),
        (Some("nonsense"), Some(state), None),
        (None, Some(state), None),
    ] {
        let traced = tracer.begin(&CallId::new("call-1"), 0, traceparent, tracestate);
        let (parent, state) = Outgoing::along(Some(traced.outgoing()), async { Outgoing::headers() }).await.unwrap();
        assert_eq!(parent, traced.context().traceparent());
        assert_eq!(state.as_deref(), told, "{traceparent:?} {tracestate:?}");
    }
}

#[tokio::test]
async fn providers_are_not_told_where_that_is_not_wanted() {
    let options = TraceOptions { propagate: false, ..TraceOptions::default() };
    let (tracer, _exporter) = Tracer::new(options, Arc::<Kept>::default());
    let traced = tracer.begin(&CallId::new("call-1"), 0, Some(HEADER), None);
    assert_eq!(Outgoing::along(Some(traced.outgoing()), async { Outgoing::headers() }).await, None);
}
