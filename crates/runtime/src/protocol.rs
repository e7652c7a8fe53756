//! What parent and worker say to each other over the pipes.
//!
//! It does not know how either side does its work.

use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::PathBuf;
use yizhan_domain::Error;
use yizhan_model::{ChatEvent, ChatRequest, EmbedKind};

/// Number of a call, chosen by the parent, never reused within a worker.
pub(crate) type CallId = u64;

/// To the worker. The first frame is `Open`; the others may follow at once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Request {
    /// Load this model.
    Open(Settings),
    /// Answer a conversation: `Started`, then events.
    Chat { id: CallId, request: ChatRequest },
    /// Count the tokens of the rendered prompt: `Count`.
    Count { id: CallId, request: ChatRequest },
    /// Judge passages: `Scores`.
    Score { id: CallId, query: String, passages: Vec<String> },
    /// Embed texts: `Vectors`.
    Embed { id: CallId, kind: EmbedKind, texts: Vec<String> },
    /// Find the tokens of texts: `Ranges`.
    Ranges { id: CallId, texts: Vec<String> },
    /// The caller went away.
    Cancel { id: CallId },
}

/// What to load and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The model's file.
    pub(crate) path: PathBuf,
    /// Threads that compute; 0 means one per core.
    pub(crate) threads: usize,
    /// Most tokens of one conversation, prompt and answer; 0 means what the model was trained with.
    pub(crate) context: u32,
    /// Tokens that the cache holds for all conversations together.
    pub(crate) cache: u32,
    /// Most conversations at once.
    pub(crate) slots: u32,
    /// Most calls that wait for a slot.
    pub(crate) queue: usize,
    /// Put before a query when embedding; none: what the model's file says.
    pub(crate) query_prefix: Option<String>,
    /// Put before a passage when embedding; none: what the model's file says.
    pub(crate) passage_prefix: Option<String>,
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The model is loaded.
    Ready(Facts),
    /// The model cannot be loaded; the worker ends.
    Refused { error: Error },
    /// The conversation fits and waits for its turn.
    Started { id: CallId },
    /// A piece of the answer; the last one is `Finish`.
    Event { id: CallId, event: ChatEvent },
    /// The call failed.
    Error { id: CallId, error: Error },
    /// Tokens of the prompt.
    Count { id: CallId, tokens: u32 },
    /// One score per passage.
    Scores { id: CallId, scores: Vec<f32> },
    /// Vectors; the frame's body holds `f32` little endian, row after row.
    Vectors { id: CallId, dimensions: usize, tokens: u32 },
    /// Byte ranges of tokens, one list per text.
    Ranges { id: CallId, ranges: Vec<Vec<Range<u32>>> },
}

impl Reply {
    /// The call that it belongs to; none for what concerns the whole worker.
    pub(crate) fn call(&self) -> Option<CallId> {
        match self {
            Reply::Ready(_) | Reply::Refused { .. } => None,
            Reply::Started { id }
            | Reply::Event { id, .. }
            | Reply::Error { id, .. }
            | Reply::Count { id, .. }
            | Reply::Scores { id, .. }
            | Reply::Vectors { id, .. }
            | Reply::Ranges { id, .. } => Some(*id),
        }
    }

    /// Whether nothing follows for this call.
    pub(crate) fn is_last(&self) -> bool {
        match self {
            Reply::Started { .. } => false,
            Reply::Event { event, .. } => matches!(event, ChatEvent::End { .. }),
            _ => true,
        }
    }
}

/// What is known once the model is loaded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Which CPU variant computes.
    pub(crate) backend: String,
    /// Most tokens of one conversation or text.
    pub(crate) context: u32,
    /// Length of vectors, for embedders.
    pub(crate) dimensions: usize,
}
