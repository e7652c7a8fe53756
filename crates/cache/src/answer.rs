//! An answer as it is kept: the model's own events, before any rule touched them.
//!
//! It does not know how it is found again.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};
use yizhan_domain::{ModelName, Usage};
use yizhan_model::ChatEvent;

/// The first byte of a written answer. Raised when the rest changes; others are then not read.
const FORMAT: u8 = 1;

/// A finished answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The events without the last, neighbouring pieces joined.
    pub events: Vec<ChatEvent>,
    /// What it took to make it.
    pub usage: Usage,
    /// When it was made, milliseconds since 1970.
    pub made_at_ms: u64,
    /// Provider and model that made it.
    #[serde(default)]
    pub served: Option<(String, ModelName)>,
    /// What whoever keeps it needs beside the events, e.g. the sources that its citations point to.
    #[serde(default)]
    pub beside: Option<Value>,
}

impl Answer {
    /// As bytes, for a store that other processes read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        match serde_json::to_writer(&mut bytes, self) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }

    /// From bytes; none when another version wrote them or they are damaged, which is a miss.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first()?;
        (*format == FORMAT).then(|| serde_json::from_slice(rest).ok()).flatten()
    }

    /// About how much memory it takes, in bytes.
    pub fn size(&self) -> usize {
        let beside = self.beside.as_ref().map_or(0, |value| value.to_string().len());
        self.events.iter().map(event_size).sum::<usize>() + beside + size_of::<Self>()
    }

    /// What a caller who gets it from memory is told: the tokens that it once took, all of the prompt's as
    /// cached. It is not what the caller is charged: that is nothing, since no provider was asked.
    pub fn usage_of_hit(&self) -> Usage {
        Usage { cached_tokens: self.usage.prompt_tokens, cache_write_tokens: 0, ..self.usage }
    }
}

/// About how much memory an event takes, in bytes.
pub(crate) fn event_size(event: &ChatEvent) -> usize {
    let held = match event {
        ChatEvent::Text { delta, .. } | ChatEvent::Reasoning { delta, .. } => delta.len(),
        ChatEvent::ToolCall { piece, .. } => {
            let texts = [&piece.id, &piece.name].map(|text| text.as_ref().map_or(0, String::len));
            piece.arguments.len() + texts.iter().sum::<usize>() + fields_size(&piece.extra)
        }
        ChatEvent::Extra { fields, .. } => fields_size(fields),
        ChatEvent::Finish { citations, .. } => citations.iter().map(|citation| 256 + citation.quote.len()).sum(),
        ChatEvent::End { .. } => 0,
    };
    held + size_of::<ChatEvent>()
}

fn fields_size(fields: &yizhan_domain::Fields) -> usize {
    fields.iter().map(|(name, value)| name.len() + value.to_string().len() + size_of::<Value>()).sum()
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
pub(crate) mod tests;
