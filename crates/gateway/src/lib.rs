//! The straight path of a call: who asks, what the name stands for, what the documents say,
//! the model's answer as a stream, its citations checked.
//!
//! This crate does not know HTTP or OpenAI's JSON (`server` and `dialect` do), nor how models
//! run or documents are kept.

mod app;
mod call;
mod chat;
mod reply;
mod target;

pub use app::{App, Apps, Retrieval};
pub use call::{Call, Grounded, Known, RetrievalWishes};
pub use chat::{Gateway, Settings};
pub use reply::Reply;
pub use target::{ModelEntry, ModelKind};
