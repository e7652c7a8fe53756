//! What the house shows to those who watch it from outside: metrics for Prometheus, traces for
//! OpenTelemetry, and the fields that log lines have in common.
//!
//! [`Metrics::observe`] and [`CallTrace::describe`] take the same [`CallFacts`], once per call, after it ended.
//! [`Metrics::render`] writes the text that Prometheus scrapes; [`Exporter::run`] sends traces in batches.
//! Every metric stands in the one table [`metric`], from which docs/metrics.md is made.
//!
//! It does not know HTTP, the audit log, configuration, or where numbers come from: the application
//! registers [sources](Metrics::source) of gauges, and gives a [`Post`] that reaches the collector. This
//! crate opens no connection.

mod doc;
mod facts;
mod family;
mod heard;
mod histogram;
mod log;
mod metrics;
mod process;
mod samples;
mod table;
mod text;
mod trace;

pub use doc::document;
pub use facts::{AttemptFacts, CallFacts, CallKind, CallOutcome, FindingFacts};
pub use heard::Heard;
pub use log::{LogIds, ids, with_ids, with_ids_sync};
pub use metrics::{Metrics, MetricsOptions};
pub use process::process_samples;
pub use samples::Samples;
pub use table::{Kind, Metric, Row, metric};
pub use text::Format;
pub use trace::{
    Answer, CallTrace, Content, Exporter, HttpFacts, HttpSpan, Outgoing, Post, ProviderFacts, Step, TraceContext,
    TraceCounts, TraceOptions, Traced, Tracer, Tried,
};
