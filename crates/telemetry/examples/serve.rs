//! Serves metrics of a made-up load at `/metrics`, for trying rules and dashboards: `serve 127.0.0.1:9464`.
//! Each scrape sees the calls since the one before.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use yizhan_domain::{Money, Usage};
use yizhan_telemetry::{
    AttemptFacts, CallFacts, CallKind, CallOutcome, FindingFacts, Format, Metrics, MetricsOptions, metric,
};

/// Calls between two scrapes.
const CALLS: u32 = 200;

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9464".to_owned());
    let metrics = Metrics::new(MetricsOptions { version: "0.0.0".to_owned(), ..MetricsOptions::default() });
    let turn = Arc::new(AtomicU32::new(0));
    let present = Arc::clone(&turn);
    metrics.source(move |samples| gauges(samples, present.load(Ordering::Relaxed)));
    let listener = TcpListener::bind(&address)?;
    writeln!(std::io::stdout(), "http://{}/metrics", listener.local_addr()?)?;
    for stream in listener.incoming() {
        let from = turn.fetch_add(CALLS, Ordering::Relaxed);
        (from..from + CALLS).for_each(|number| load(&metrics, number));
        // A scraper that went away is no reason to end.
        let _ = stream.and_then(|stream| answer(&stream, &metrics));
    }
    Ok(())
}

fn answer(mut stream: &TcpStream, metrics: &Metrics) -> std::io::Result<()> {
    let mut accept = None;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("accept")
        {
            accept = Some(value.to_owned());
        }
    }
    let format = Format::accepted(accept.as_deref());
    let body = metrics.render(format);
    let head = "HTTP/1.1 200 OK\r\nconnection: close";
    write!(stream, "{head}\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n{body}", format.content_type(), body.len())
}

fn gauges(samples: &mut yizhan_telemetry::Samples, turn: u32) {
    let wave = f64::from(turn / CALLS % 10);
    samples.set(&metric::OPEN_CALLS, [], wave);
    samples.set(&metric::QUEUE_RUNNING, [], wave);
    samples.set(&metric::QUEUE_WAITING, [], 40.0 + wave);
    samples.set(&metric::QUEUE_LIMIT, [], 16.0);
    samples.set(&metric::BREAKER_STATE, ["deepseek", "deepseek-chat"], 2.0);
    samples.set(&metric::BREAKER_STATE, ["local", "qwen"], 0.0);
    samples.set(&metric::DEGRADATION_STEP, [], 1.0);
    samples.set(&metric::CPU_BUSY, [], 0.85);
    samples.set(&metric::AUDIT_RECORDS, [], f64::from(turn));
    samples.set(&metric::AUDIT_WAITING, [], 3.0);
    samples.set(&metric::AUDIT_FAILING, [], 1.0);
    samples.set(&metric::WORKERS, ["chat"], 1.0);
    samples.set(&metric::TRACES, ["exported"], f64::from(turn));
    samples.set(&metric::TRACES, ["dropped"], f64::from(turn / 10));
    samples.set(&metric::CONFIG_LOADED, [], 1_700_000_000.0);
    samples.set(&metric::CONFIG_OK, [], 0.0);
    samples.set(&metric::TLS_OK, [], 0.0);
    samples.set(&metric::TLS_ENDS, [], 2e9);
    samples.set(&metric::REVIEWS_WAITING, [], 3.0);
    samples.set(&metric::REVIEWS_OLDEST, [], 7200.0);
}

/// One call of the made-up load: some fail, some are refused, some fall back, all of it regularly.
fn load(metrics: &Metrics, number: u32) {
    let tenant = ["clinic", "bank", "驿站 \"test\""][number as usize % 3];
    // Some wait for twelve seconds.
    let first_token_ms = 80 + number % 400 * 30;
    let answered = AttemptFacts { provider: "local", model: "qwen", ms: 90, ..AttemptFacts::default() };
    let failed = AttemptFacts { provider: "deepseek", model: "deepseek-chat", error: "provider_error", ..answered };
    let mut call = CallFacts {
        tenant,
        model: "assistant",
        provider: "local",
        served: "qwen",
        status: 200,
        streamed: number.is_multiple_of(2),
        total_ms: first_token_ms + 900,
        first_token_ms: Some(first_token_ms),
        usage: Usage {
            prompt_tokens: 300,
            completion_tokens: 64,
            cached_tokens: 100,
            reasoning_tokens: 10,
            ..Usage::default()
        },
        charge: Some(Money(1_370_000)),
        cache: if number.is_multiple_of(5) { "exact" } else { "miss" },
        attempts: vec![answered],
        ..CallFacts::default()
    };
    match number % 10 {
        0 => {
            call.outcome = CallOutcome::Failed;
            call.code = "provider_error";
            call.attempts = vec![failed];
        }
        1 => {
            call.outcome = CallOutcome::Refused;
            call.code = if number.is_multiple_of(3) { "insufficient_quota" } else { "rate_limit_exceeded" };
            call.attempts.clear();
        }
        2 => {
            call.fallback = true;
            call.attempts.insert(0, failed);
        }
        3 => call.findings = vec![FindingFacts { rule: "pii.mobile", action: "mask", output: false, count: 1 }],
        4 => call.kind = CallKind::Embedding,
        _ => {}
    }
    metrics.observe(&call);
}
