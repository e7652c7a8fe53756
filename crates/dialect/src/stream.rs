//! One event of a stream whose events have names.
//!
//! It does not know how an event is framed: `event: NAME`, `data: DATA` and a blank line is the server's business.

use serde::Serialize;

/// An event of a named stream (Anthropic's, or OpenAI's Responses).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedEvent {
    /// What stands behind `event:`; `type` in the data says the same.
    pub name: &'static str,
    /// What stands behind `data:`: one line of JSON.
    pub data: String,
}

impl NamedEvent {
    /// Data made of strings, numbers, lists and objects with text keys only: writing them cannot fail.
    pub(crate) fn new(name: &'static str, data: &impl Serialize) -> Self {
        Self { name, data: serde_json::to_string(data).unwrap_or_default() }
    }
}
