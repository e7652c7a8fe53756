//! The straight path of a call: what the name stands for, what the caller may still use, what rules
//! and documents say, the model's answer as a stream, checked, counted and recorded.
//!
//! This crate does not know HTTP or OpenAI's JSON (`server` and `dialect` do), nor how models
//! run or documents are kept.

mod app;
mod approval;
mod call;
mod chat;
mod content;
mod facts;
mod governed;
mod held;
mod journal;
mod ledger;
mod memory;
mod passages;
mod policy;
mod recorded;
mod reply;
mod reviews;
mod seen;
mod target;
mod texts;
mod underway;

pub use app::{App, Apps, Retrieval};
pub use call::{Call, Caller, Grounded, Known, RetrievalWishes, Safe};
pub use chat::Gateway;
pub use facts::facts;
pub use governed::Answered;
pub use journal::counted;
pub use ledger::{Ledger, OnAuditFailure};
pub use policy::{Degradation, Policy};
pub use reply::Reply;
pub use reviews::{ReviewSettings, Reviews};
pub use target::{ModelEntry, ModelKind};
pub use yizhan_cache::Wish;
