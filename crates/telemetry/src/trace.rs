//! Traces of calls: a span per call, a child span per provider that was tried, named after
//! OpenTelemetry's conventions for generative AI.
//!
//! It does not know HTTP: headers come and go as texts, batches leave through [`Post`].

mod context;
mod exporter;
mod otlp;
mod span;

pub use context::TraceContext;
pub use exporter::{Answer, Exporter, Post, TraceCounts, TraceOptions, Tracer};
