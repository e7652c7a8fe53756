//! `[telemetry]`: where traces go, and what of calls they show.
//!
//! It does not know spans: `telemetry` does. It counts at the next start, for what is under way goes to the
//! collector that it began with.

use crate::config::Config;
use crate::governance;
use crate::secrets::StoredKeys;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_provider::{Collector, Headers, KeySource, Provider};
use yizhan_telemetry::{Answer, Content, Post, ProviderFacts, TraceOptions, Tracer};

/// What still waits at the end gets so long.
const FAREWELL: Duration = Duration::from_secs(5);

/// `[telemetry]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TelemetryConfig {
    pub(crate) endpoint: Option<String>,
    pub(crate) headers: BTreeMap<String, HeaderSource>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) timeout_s: f64,
    pub(crate) sampling: f64,
    pub(crate) content: Content,
    pub(crate) propagate: bool,
    pub(crate) service: String,
    pub(crate) resource: BTreeMap<String, String>,
    pub(crate) every_s: f64,
    pub(crate) queue: usize,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            headers: BTreeMap::new(),
            ca_file: None,
            timeout_s: 10.0,
            sampling: 1.0,
            content: Content::None,
            propagate: true,
            service: "yizhan".to_owned(),
            resource: BTreeMap::new(),
            every_s: 5.0,
            queue: 2_048,
        }
    }
}

/// A header's value, or where it comes from.
#[derive(Clone, Deserialize, Serialize)]
#[serde(untagged, expecting = "a header is a text, { env = \"NAME\" } or { file = \"PATH\" }")]
pub(crate) enum HeaderSource {
    /// From elsewhere, as a provider's key.
    From(KeySource),
    /// As it stands.
    Plain(String),
}

impl std::fmt::Debug for HeaderSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::From(source) => source.fmt(f),
            // Some are secrets after all.
            Self::Plain(_) => f.write_str("…"),
        }
    }
}

impl TelemetryConfig {
    /// `InvalidConfig` with what to change.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(Error::new(ErrorCode::InvalidConfig, format!("telemetry.{what}")));
        if !(0.0..=1.0).contains(&self.sampling) {
            return wrong("sampling must be a share from 0 to 1.");
        }
        if !(0.1..=3600.0).contains(&self.every_s) {
            return wrong("every_s must be between 0.1 and 3600 seconds.");
        }
        if !(1..=100_000).contains(&self.queue) {
            return wrong("queue must be between 1 and 100000 requests.");
        }
        if self.service.trim().is_empty() {
            return wrong("service is empty; leave it out for \"yizhan\".");
        }
        Ok(())
    }

    /// The secrets of the store that its headers name.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &str> {
        self.headers.values().filter_map(|source| match source {
            HeaderSource::From(KeySource::Store(name)) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The way to the collector; none where none is named.
    pub(crate) fn collector(&self, stored: &StoredKeys) -> Result<Option<Collector>> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let value = |source: &HeaderSource| -> Result<String> {
            match source {
                HeaderSource::Plain(value) => Ok(value.clone()),
                HeaderSource::From(source) => Ok(governance::key(Some(source), stored)?
                    .map(|secret| secret.expose().to_owned())
                    .unwrap_or_default()),
            }
        };
        let headers = || {
            let header = |(name, source): (&String, &HeaderSource)| Ok((name.clone(), value(source)?));
            let headers = self.headers.iter().map(header).collect::<Result<BTreeMap<_, _>>>()?;
            Collector::new(endpoint, &Headers(headers), self.timeout_s, self.ca_file.as_deref()).map(Some)
        };
        headers().map_err(|error| error.context("telemetry"))
    }
}

/// Traces of a running server.
pub(crate) struct Traces {
    tracer: Tracer,
    stop: oneshot::Sender<()>,
    exporting: JoinHandle<()>,
}

impl Traces {
    /// None, where no collector is named. Begins to export.
    pub(crate) fn start(config: &Config, stored: &StoredKeys) -> Result<Option<Self>> {
        let settings = &config.telemetry;
        let Some(collector) = settings.collector(stored)? else { return Ok(None) };
        let options = TraceOptions {
            service: settings.service.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: instance(),
            resource: settings.resource.clone().into_iter().collect(),
            sampling: settings.sampling,
            content: settings.content,
            propagate: settings.propagate,
            queue: settings.queue,
            every: Duration::from_secs_f64(settings.every_s),
            ..TraceOptions::default()
        };
        tracing::info!(collector = collector.authority(), sampling = settings.sampling, "traces are exported");
        let (tracer, exporter) = Tracer::new(options, Arc::new(To(collector)));
        let (stop, stopped) = oneshot::channel();
        let exporting = tokio::spawn(exporter.run(async move {
            // An error means that the sender is gone, which is the end too.
            let _ = stopped.await;
        }));
        Ok(Some(Self { tracer, stop, exporting }))
    }

    pub(crate) fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Sends what waits, and ends; a collector that is away holds nothing up for long.
    pub(crate) async fn close(self) {
        let _ = self.stop.send(());
        if tokio::time::timeout(FAREWELL, self.exporting).await.is_err() {
            tracing::warn!("the last traces could not be sent in time");
        }
    }
}

/// What the conventions want to know of providers.
pub(crate) fn know(tracer: &Tracer, providers: &[Provider]) {
    let facts = |provider: &Provider| {
        let (host, port) = provider.address();
        let vendor = serde_json::to_value(provider.vendor()).unwrap_or_default();
        let vendor = vendor.as_str().unwrap_or_default().to_owned();
        (provider.name().to_owned(), ProviderFacts { vendor, host, port })
    };
    tracer.set_providers(providers.iter().map(facts).collect::<HashMap<_, _>>());
}

/// Tells replicas apart.
fn instance() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", name.trim(), std::process::id())
}

/// The collector, as `telemetry` wants it.
struct To(Collector);

#[async_trait]
impl Post for To {
    async fn post(&self, body: Vec<u8>) -> Result<Answer> {
        let (status, retry_after) = self.0.post(body).await?;
        Ok(Answer { status, retry_after })
    }
}
