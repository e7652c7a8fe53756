use super::*;
use yizhan_domain::CallId;

const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const BEGIN: u64 = 1_700_000_000_123_000_000;

fn place(call: &str, above: &str) -> TraceContext {
    TraceContext::begin(&CallId::new(call), 0, Some(above), 1.0)
}

/// A request, its call and an attempt that failed, with a value of each kind.
fn spans() -> [Span; 3] {
    let request = place("request", HEADER);
    let call = place("call", &request.traceparent());
    let attempt = place("attempt", &call.traceparent());
    let mut spans = [
        Span::new(request, "POST /v1/chat/completions", SpanKind::Server, (BEGIN, BEGIN + 9_000)),
        Span::new(call, "chat assistant", SpanKind::Internal, (BEGIN + 1_000, BEGIN + 8_000)),
        Span::new(attempt, "attempt deepseek-chat", SpanKind::Client, (BEGIN + 2_000, BEGIN + 7_000)),
    ];
    spans[0].attributes = vec![attribute("http.response.status_code", 200_u64)];
    spans[1].attributes = vec![
        attribute("gen_ai.request.stream", true),
        attribute("gen_ai.response.time_to_first_chunk", 0.5),
        attribute("gen_ai.response.finish_reasons", vec!["stop".into(), "length".into()]),
    ];
    let attributes = vec![attribute("yizhan.rule", "剂量")];
    spans[1].events = vec![Event { time_unix_nano: BEGIN + 5_000, name: "yizhan.rule", attributes }];
    spans[2].attributes = vec![attribute("error.type", "provider_error".to_owned())];
    spans[2].status = Status::Error("provider_error".to_owned());
    spans
}

/// The golden file is OTLP's mapping read by hand, and is read by protobuf's own JSON reader in deploy/check.
#[test]
fn spans_are_written_as_otlp_has_it() {
    let resource = [attribute("service.name", "yizhan"), attribute("service.version", "0.0.0")];
    let spans = spans();
    let body = export(&resource, "0.0.0", &spans.iter().collect::<Vec<_>>());
    let written: Value = serde_json::from_slice(&body).unwrap();
    let golden: Value = serde_json::from_str(include_str!("../../testdata/call.otlp.json")).unwrap();
    assert_eq!(written, golden, "written:\n{}", serde_json::to_string_pretty(&written).unwrap());
}

#[test]
fn no_span_ends_before_it_begins() {
    let span = Span::new(place("call", HEADER), "s", SpanKind::Internal, (9, 3));
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (9, 9));
}
