//! The words that every other crate speaks: identifiers, messages, places in documents,
//! usage, and the one table of errors.
//!
//! This crate knows no I/O, no async runtime, no wire format and no storage.

mod error;
mod id;
mod message;
mod money;
mod place;
mod usage;

pub use error::{Error, ErrorCode, Result};
pub use id::{
    BaseId, CallId, ChunkId, DocumentId, FileId, KeyId, ModelName, ProjectId, ReviewId, Sequence, TenantId, UserId,
    random_id,
};
pub use message::{Citation, Content, Fields, Message, Part, Role, ToolCall, ToolCallPiece};
pub use money::Money;
pub use place::{LineSpan, Place, Rect};
pub use usage::{FinishReason, TokenCount, Usage};
