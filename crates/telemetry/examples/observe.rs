//! What counting a call costs: processor time of `Metrics::observe`, of a request's trace and of a scrape.

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;
use yizhan_domain::{CallId, Money, Result, Usage};
use yizhan_telemetry::{
    Answer, AttemptFacts, CallFacts, CallTrace, Format, HttpFacts, HttpSpan, Metrics, MetricsOptions, Post, Samples,
    Step, TraceOptions, Tracer, process_samples,
};

const CALLS: u32 = 200_000;

struct Nowhere;

#[async_trait::async_trait]
impl Post for Nowhere {
    async fn post(&self, _: Vec<u8>) -> Result<Answer> {
        Ok(Answer { status: 200, retry_after: None })
    }
}

/// Nanoseconds of this thread's processor time so far.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn measure(what: &str, turns: u32, mut work: impl FnMut(u32)) -> std::io::Result<()> {
    let begin = cpu_ns();
    (0..turns).for_each(&mut work);
    let ns = (cpu_ns() - begin) / u64::from(turns);
    writeln!(std::io::stdout(), "{what:<44} {ns:>9} ns")
}

fn call<'a>(id: &'a str, tenant: &'a str) -> CallFacts<'a> {
    let attempt = AttemptFacts { provider: "deepseek", model: "deepseek-chat", ms: 80, ..AttemptFacts::default() };
    CallFacts {
        call: id,
        time_ms: 1_700_000_000_000,
        tenant,
        model: "assistant",
        provider: "deepseek",
        served: "deepseek-chat",
        status: 200,
        streamed: true,
        total_ms: 900,
        first_token_ms: Some(80),
        usage: Usage { prompt_tokens: 300, completion_tokens: 64, ..Usage::default() },
        charge: Some(Money(137_000)),
        attempts: vec![attempt],
        ..CallFacts::default()
    }
}

/// What the server and the gateway do for the trace of one call.
fn trace(tracer: &Tracer, call: &CallId, facts: &CallFacts<'_>) {
    let traced = tracer.begin(call, 1_700_000_000_000, None, None);
    let span = HttpSpan::begin(&traced, Instant::now(), &HttpFacts { method: "POST", ..HttpFacts::default() });
    let mut trace = CallTrace::begin(Some(&traced));
    for step in [Step::Limits, Step::Rules, Step::Cache, Step::Queue] {
        trace.enter(step);
    }
    trace.leave();
    if trace.is_recorded() {
        trace.describe(facts);
    }
    drop((trace, span));
}

fn main() -> std::io::Result<()> {
    let tenants: Vec<String> = (0..100).map(|number| format!("tenant-{number}")).collect();
    let tenant = |turn: u32| tenants[turn as usize % tenants.len()].as_str();
    let metrics = Metrics::new(MetricsOptions::default());
    measure("make the facts", CALLS, |turn| _ = black_box(&call("call-0", tenant(turn))))?;
    measure("make the facts and observe, 100 tenants", CALLS, |turn| metrics.observe(&call("call-0", tenant(turn))))?;
    let folded = Metrics::new(MetricsOptions { series: 50, ..MetricsOptions::default() });
    measure("the same beyond the most series", CALLS, |turn| folded.observe(&call("call-0", tenant(turn))))?;
    for (what, sampling, queue) in [("not sampled", 0.0, 1), ("sampled", 1.0, CALLS as usize), ("queue full", 1.0, 1)] {
        let options = TraceOptions { sampling, queue, ..TraceOptions::default() };
        let (tracer, _exporter) = Tracer::new(options, Arc::new(Nowhere));
        let facts = call("call-0123456789abcdef01234567", "clinic");
        let id = CallId::new(facts.call);
        measure(&format!("trace a call, {what}"), CALLS / 4, |_| trace(&tracer, &id, black_box(&facts)))?;
    }
    let options = TraceOptions { queue: 10_000, ..TraceOptions::default() };
    let (tracer, exporter) = Tracer::new(options, Arc::new(Nowhere));
    let id = CallId::new("call-0123456789abcdef01234567");
    (0..10_000).for_each(|_| trace(&tracer, &id, &call(id.as_str(), "clinic")));
    drop(tracer);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let begin = cpu_ns();
    runtime.block_on(exporter.run(std::future::pending()));
    let ns = (cpu_ns() - begin) / 10_000;
    writeln!(std::io::stdout(), "{:<44} {ns:>9} ns", "export a call's trace, beside the calls")?;
    measure("scrape 100 tenants", 20, |_| _ = black_box(metrics.render(Format::Prometheus)))?;
    measure("of it the process's own numbers", 20, |_| process_samples(&mut Samples::default()))
}
