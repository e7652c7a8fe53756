//! What rules found in a call: for the caller's audit, never the text itself.
//!
//! It does not know how findings are kept.

use crate::rule::Action;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use yizhan_model::ChatEvent;

/// More findings of one call than these are only counted.
pub const MOST_FINDINGS: usize = 1_000;

/// Which text of a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case")]
pub enum Place {
    /// A text that came alone.
    Text,
    /// A text part of a message, both from 0.
    Message {
        /// Which message.
        message: usize,
        /// Which part of it.
        part: usize,
    },
    /// The arguments of a tool call in a message.
    MessageCall {
        /// Which message.
        message: usize,
        /// Which call of it.
        call: usize,
    },
    /// An answer's text.
    Answer {
        /// Which answer.
        choice: u32,
    },
    /// An answer's reasoning.
    Reasoning {
        /// Which answer.
        choice: u32,
    },
    /// A tool call's name.
    ToolName {
        /// Which answer.
        choice: u32,
        /// Which call.
        index: u32,
    },
    /// A tool call's arguments, as JSON text.
    ToolArguments {
        /// Which answer.
        choice: u32,
        /// Which call.
        index: u32,
    },
    /// A field that nobody else reads.
    Extra {
        /// Which answer; none beside them.
        choice: Option<u32>,
        /// Where in the fields, `audio.transcript`.
        path: String,
    },
    /// A citation's quote.
    Quote {
        /// Which answer.
        choice: u32,
        /// The citation's number.
        index: u32,
    },
}

/// One match of one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Finding {
    /// In which text.
    pub place: Place,
    /// First byte in the original of that text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The rule's id.
    pub rule: String,
    /// What moderation calls it.
    pub category: String,
    /// What followed.
    pub action: Action,
}

/// An answer that a rule withheld for a person to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Withheld {
    /// The rule's id.
    pub rule: String,
    /// What the caller was told.
    pub message: String,
    /// The whole answer as the model gave it, what was already sent included.
    pub events: Vec<ChatEvent>,
    /// Did it come to its own end? Not when the caller went away, the model failed, or it was too long.
    pub complete: bool,
}

/// The findings of one answer, readable while it is streamed and after.
#[derive(Clone, Debug, Default)]
pub struct Findings(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    list: Vec<Finding>,
    uncounted: u64,
    withheld: Option<Withheld>,
}

impl Findings {
    /// What was found so far, in the order of places and positions.
    pub fn list(&self) -> Vec<Finding> {
        let mut list = self.0.lock().list.clone();
        list.sort();
        list
    }

    /// How many more there were than are kept.
    pub fn left_out(&self) -> u64 {
        self.0.lock().uncounted
    }

    /// Takes the answer that a rule withheld, once there is one.
    pub fn take_withheld(&self) -> Option<Withheld> {
        self.0.lock().withheld.take()
    }

    pub(crate) fn add(&self, finding: Finding) {
        let mut inner = self.0.lock();
        if inner.list.len() < MOST_FINDINGS {
            inner.list.push(finding);
        } else {
            inner.uncounted += 1;
        }
    }

    pub(crate) fn withhold(&self, withheld: Withheld) {
        self.0.lock().withheld = Some(withheld);
    }
}
