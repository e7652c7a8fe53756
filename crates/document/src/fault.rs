//! Shorthands for the two errors of this crate.
//!
//! It does not know file names: [`crate::parse`] puts the name in front.

use std::fmt::Display;
use yizhan_domain::{Error, ErrorCode};

/// The file cannot be turned into text; `reason` is a sentence that says why.
pub(crate) fn unreadable(reason: impl Into<String>) -> Error {
    Error::new(ErrorCode::UnreadableDocument, reason)
}

/// The file is damaged: what was being read, and the cause that a library gave.
pub(crate) fn damaged(what: &str, cause: impl Display) -> Error {
    unreadable(format!("the file is damaged: {what}: {cause}."))
}

/// A library or model that this format needs is not there.
pub(crate) fn missing_tool(what: impl Into<String>) -> Error {
    Error::new(ErrorCode::ModelUnavailable, what)
}
