//! The header `traceparent`: what is taken from it is well formed, and a note of it is read back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yizhan_domain::CallId;
use yizhan_telemetry::TraceContext;

fuzz_target!(|input: (String, String, i64, f64)| {
    let (call, header, time_ms, sampling) = input;
    let _ = TraceContext::from_note(&header);
    let context = TraceContext::begin(&CallId::new(call), time_ms, Some(&header), sampling);
    let (trace, written) = (context.trace_id(), context.traceparent());
    assert!(trace.len() == 32 && trace.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')), "{trace}");
    assert!(trace.bytes().any(|c| c != b'0') && written.len() == 55, "{written}");
    assert_eq!(TraceContext::from_note(&context.to_string()), Some(context));
});
