//! Remote models: one base for all who speak OpenAI's `/chat/completions`, Anthropic natively, one small file per
//! vendor.
//!
//! Entry points: [`ProviderConfig`] is how a provider stands in the configuration; [`Provider::new`] makes one;
//! [`Provider::chat`], [`Provider::embed`] and [`Provider::rerank`] give its models behind `model`'s traits.
//!
//! A call goes one straight way: `chat.rs` writes the request (`dialect`, then the vendor's renames), `client` sends
//! it, `stream.rs` cuts the body into events (`sse.rs`) and has `dialect` read them, `failure.rs` turns whatever
//! went wrong into the one table of errors.
//!
//! It does not know routes, retries, limits, caches or who calls, and never reads a key's source: a key comes in as a
//! [`Secret`]. It opens connections to the host of its base URL and to no other, and follows no redirects.

mod chat;
mod client;
mod collector;
mod config;
mod embed;
mod estimate;
mod failure;
mod fetch;
mod probe;
mod provider;
mod rerank;
mod secret;
mod sse;
mod stream;
mod trace;
mod vendor;

pub use collector::Collector;
pub use config::{Capability, Headers, KeySource, ModelConfig, ModelKind, ProviderConfig, Timeouts, VendorName};
pub use fetch::fetch;
pub use probe::Probed;
pub use provider::Provider;
pub use secret::Secret;
pub use sse::{SseEvent, SseFault, SseParser};
