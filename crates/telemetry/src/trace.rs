//! Traces of requests: a span for the request over HTTP, below it one for the call, below that one for each step
//! and for each provider that was tried, named after OpenTelemetry's conventions.
//!
//! [`Tracer::begin`] decides whether a request is sampled. If it is, [`HttpSpan`] and [`CallTrace`] add their spans
//! to what the [`Traced`] gathers, and who lets go of it last sends all of them to the [`Exporter`]. If it is not,
//! nothing is gathered, and [`Outgoing`] alone says so to providers.
//!
//! It does not know HTTP: headers come and go as texts, batches leave through [`Post`].

mod call;
mod context;
mod describe;
mod exporter;
mod http;
mod otlp;
mod outgoing;
mod traced;

pub use call::{CallTrace, Step, Tried};
pub use context::TraceContext;
pub use exporter::{Answer, Content, Exporter, Post, ProviderFacts, TraceCounts, TraceOptions, Tracer};
pub use http::{HttpFacts, HttpSpan};
pub use outgoing::Outgoing;
pub use traced::Traced;
