//! The words that every other crate speaks: identifiers, messages, places in documents,
//! usage, and the one table of errors.
//!
//! This crate knows no I/O, no async runtime, no wire format and no storage.

mod error;
mod id;
mod message;
mod place;
mod usage;

pub use error::{Error, ErrorCode, Result};
pub use id::{BaseId, ChunkId, DocumentId, FileId, KeyId, ModelName, Sequence, TenantId};
pub use message::{Citation, Content, Fields, Message, Part, Role, ToolCall, ToolCallPiece};
pub use place::{LineSpan, Place, Rect};
pub use usage::{FinishReason, TokenCount, Usage};
