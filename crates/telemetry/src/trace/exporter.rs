//! From requests that ended to batches at a collector, beside the requests: they never wait for it.
//!
//! It does not open connections.

use super::context::TraceContext;
use super::otlp::{self, Attribute, Span, attribute};
use super::traced::{Gathered, Traced};
use crate::samples::Samples;
use crate::table::metric;
use async_trait::async_trait;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use yizhan_domain::{CallId, Result};

/// The way to a collector.
#[async_trait]
pub trait Post: Send + Sync {
    /// Posts this JSON to the collector's `/v1/traces` with `content-type: application/json`, in a time that is
    /// limited. An error means that no answer came.
    async fn post(&self, body: Vec<u8>) -> Result<Answer>;
}

/// A collector's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, where it was given.
    pub retry_after: Option<Duration>,
}

/// What an installation decides about its traces.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceOptions {
    /// `service.name`.
    pub service: String,
    /// `service.version`.
    pub version: String,
    /// `service.instance.id`: one of several replicas.
    pub instance: String,
    /// Further attributes of the resource, such as `deployment.environment.name`.
    pub resource: Vec<(String, String)>,
    /// The currency of the price list.
    pub currency: String,
    /// The share of requests that are traced where the caller does not decide, 0 to 1.
    pub sampling: f64,
    /// Which texts of calls go along.
    pub content: Content,
    /// Are providers told the trace?
    pub propagate: bool,
    /// How many requests may wait; further ones are dropped and counted.
    pub queue: usize,
    /// Most requests of a batch.
    pub batch: usize,
    /// How long a batch may gather.
    pub every: Duration,
    /// How often a batch is tried in all.
    pub tries: u32,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self {
            service: "yizhan".to_owned(),
            version: String::new(),
            instance: String::new(),
            resource: Vec::new(),
            currency: "CNY".to_owned(),
            sampling: 1.0,
            content: Content::None,
            propagate: true,
            queue: 2_048,
            batch: 256,
            every: Duration::from_secs(5),
            tries: 5,
        }
    }
}

/// Which texts of calls a trace carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// None.
    #[default]
    None,
    /// As the rules mask them.
    Redacted,
    /// All.
    Full,
}

/// What the conventions want to know of a configured provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderFacts {
    /// Whose servers these are.
    pub vendor: String,
    /// The host that requests go to.
    pub host: String,
    /// The port there.
    pub port: u16,
}

/// What became of traces, in requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceCounts {
    /// Taken by the collector.
    pub exported: u64,
    /// Dropped because the queue was full, or nobody exports any more.
    pub dropped: u64,
    /// Refused by the collector, or given up after all tries.
    pub failed: u64,
}

#[derive(Default)]
struct Counts {
    exported: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

/// Begins traces of requests. Cheap to clone.
#[derive(Clone)]
pub struct Tracer(Arc<Shared>);

pub(super) struct Shared {
    queue: mpsc::Sender<Vec<Span>>,
    sampling: f64,
    pub(super) content: Content,
    propagate: bool,
    pub(super) currency: String,
    pub(super) providers: RwLock<HashMap<String, ProviderFacts>>,
    counts: Arc<Counts>,
}

impl Shared {
    /// Takes a request's spans. Never waits.
    pub(super) fn take(&self, spans: Vec<Span>) {
        if !spans.is_empty() && self.queue.try_send(spans).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Longest `tracestate` that is passed on, in bytes, as W3C asks for at least.
const MOST_STATE: usize = 512;

impl Tracer {
    /// A tracer, and the work beside it, which somebody has to run.
    pub fn new(options: TraceOptions, post: Arc<dyn Post>) -> (Self, Exporter) {
        let (queue, waiting) = mpsc::channel(options.queue.max(1));
        let counts = Arc::new(Counts::default());
        let shared = Shared {
            queue,
            sampling: options.sampling,
            content: options.content,
            propagate: options.propagate,
            currency: options.currency.clone(),
            providers: RwLock::default(),
            counts: Arc::clone(&counts),
        };
        let resource = resource(&options);
        (Self(Arc::new(shared)), Exporter { waiting, batch: Vec::new(), post, counts, resource, options })
    }

    /// What is known of the configured providers, by their names.
    pub fn set_providers(&self, providers: HashMap<String, ProviderFacts>) {
        *self.0.providers.write() = providers;
    }

    /// The trace of a request that begins, `call` being its id; the texts are its headers `traceparent` and
    /// `tracestate`. What is malformed counts as absent.
    pub fn begin(&self, call: &CallId, time_ms: i64, traceparent: Option<&str>, tracestate: Option<&str>) -> Traced {
        let context = TraceContext::begin(call, time_ms, traceparent, self.0.sampling);
        let is_plain = |state: &&str| (1..=MOST_STATE).contains(&state.len()) && state.bytes().all(is_printable);
        let state = tracestate.filter(is_plain).filter(|_| traceparent.is_some_and(TraceContext::is_valid));
        let gathered = (context.is_sampled() && self.has_room()).then(|| Arc::new(Gathered::new(Arc::clone(&self.0))));
        Traced::new(context, state.map(Arc::from), self.0.propagate, gathered)
    }

    /// While the collector is away, spans that nobody could keep are not even made.
    fn has_room(&self) -> bool {
        let has_room = self.0.queue.capacity() > 0;
        if !has_room {
            self.0.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    /// What became of the requests so far.
    pub fn counts(&self) -> TraceCounts {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.0.counts;
        TraceCounts { exported: get(&counts.exported), dropped: get(&counts.dropped), failed: get(&counts.failed) }
    }

    /// The same as metrics: a [source](crate::Metrics::source).
    pub fn samples(&self, samples: &mut Samples) {
        let TraceCounts { exported, dropped, failed } = self.counts();
        for (result, count) in [("exported", exported), ("dropped", dropped), ("failed", failed)] {
            samples.set(&metric::TRACES, [result], count as f64);
        }
    }
}

fn is_printable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

fn resource(options: &TraceOptions) -> Vec<Attribute> {
    let own = [
        ("service.name", options.service.as_str()),
        ("service.version", options.version.as_str()),
        ("service.instance.id", options.instance.as_str()),
    ];
    let more = options.resource.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    own.into_iter()
        .chain(more)
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| attribute(key.to_owned(), value))
        .collect()
}

/// Sends what a [`Tracer`] took.
pub struct Exporter {
    waiting: mpsc::Receiver<Vec<Span>>,
    /// What is being sent. Kept here, so that a stop in the midst of it loses nothing.
    batch: Vec<Vec<Span>>,
    post: Arc<dyn Post>,
    counts: Arc<Counts>,
    resource: Vec<Attribute>,
    options: TraceOptions,
}

/// The first pause between tries; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// No pause is longer, whatever the collector asks for.
const MOST_PAUSE: Duration = Duration::from_secs(30);

impl Exporter {
    /// Sends batches until `stop`; then what waits is tried once more, and it ends.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        {
            let work = self.work();
            tokio::select! { () = stop => {}, () = work => {} }
        }
        self.waiting.close();
        self.options.tries = 1;
        loop {
            self.gather(Instant::now()).await;
            if self.batch.is_empty() {
                return;
            }
            self.send().await;
        }
    }

    async fn work(&mut self) {
        loop {
            self.gather(Instant::now() + self.options.every).await;
            if !self.batch.is_empty() {
                self.send().await;
            } else if self.waiting.is_closed() {
                return;
            }
        }
    }

    /// What comes until `end`, or until the batch is full.
    async fn gather(&mut self, end: Instant) {
        let most = self.options.batch.max(1);
        while self.batch.len() < most {
            let room = most - self.batch.len();
            match timeout_at(end, self.waiting.recv_many(&mut self.batch, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    }

    async fn send(&mut self) {
        let spans: Vec<&Span> = self.batch.iter().flatten().collect();
        let body = otlp::export(&self.resource, &self.options.version, &spans);
        let count = if self.deliver(body).await { &self.counts.exported } else { &self.counts.failed };
        count.fetch_add(self.batch.len() as u64, Ordering::Relaxed);
        self.batch.clear();
    }

    /// Tries until the collector has it, refuses it, or all tries are over.
    async fn deliver(&self, body: Vec<u8>) -> bool {
        let mut pause = PAUSE;
        for left in (0..self.options.tries.max(1)).rev() {
            let mut asked = None;
            match self.post.post(body.clone()).await {
                Ok(answer) if (200..300).contains(&answer.status) => return true,
                // The statuses that OTLP calls worth a repetition.
                Ok(answer) if matches!(answer.status, 429 | 502..=504) => asked = answer.retry_after,
                Ok(answer) => {
                    tracing::warn!(status = answer.status, "the collector of traces refuses a batch");
                    return false;
                }
                Err(error) => tracing::debug!(%error, "the collector of traces cannot be reached"),
            }
            if left > 0 {
                tokio::time::sleep(asked.unwrap_or(pause).min(MOST_PAUSE)).await;
                pause = (pause * 2).min(MOST_PAUSE);
            }
        }
        tracing::warn!("a batch of traces was given up: its collector cannot be reached or is overloaded");
        false
    }
}

#[cfg(test)]
#[path = "exporter_tests.rs"]
mod tests;
