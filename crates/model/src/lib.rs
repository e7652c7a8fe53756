//! The traits behind which every model stands, local or remote, and the stream of events
//! with which a chat model answers.
//!
//! This crate does not know any model, engine, vendor or wire format.

mod chat;
mod embed;
mod registry;
mod rerank;

pub use chat::{ChatEvent, ChatModel, ChatRequest, Dialect, EventStream, ResponseFormat, Sampling, ToolChoice};
pub use embed::{EmbedKind, EmbedModel, Embeddings};
pub use registry::ModelRegistry;
pub use rerank::RerankModel;
