//! What a route tried for one call, for the audit and the reply's headers.
//!
//! It does not know who reads it.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use yizhan_domain::{ErrorCode, ModelName};
use yizhan_telemetry::{Outgoing, TraceContext};

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gave the answer's first content.
    Answered,
    /// It failed before any content.
    Failed(ErrorCode),
    /// Another attempt was faster, or the caller went away.
    Abandoned,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Which provider; `local` for models that run here.
    pub provider: Arc<str>,
    /// Which model there.
    pub model: ModelName,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status that it answered, if it did; models that run here have none.
    pub status: Option<u16>,
    /// When it was asked.
    pub began: Instant,
    /// From then to its first content or failure.
    pub took: Duration,
    /// Was it the last resort?
    pub last_resort: bool,
    /// Its own place in the call's trace, if there is one.
    pub place: Option<TraceContext>,
}

/// The attempts of one call so far. Cheap to clone; all clones are the same trail.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    attempts: Arc<Mutex<Vec<Attempt>>>,
    trace: Option<Outgoing>,
}

impl Trail {
    /// Nothing tried yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, of a call that is traced: providers are told so.
    pub fn traced(trace: Option<Outgoing>) -> Self {
        Self { trace, ..Self::default() }
    }

    /// The trace's next place, for one attempt.
    pub(crate) fn place(&self) -> Option<Outgoing> {
        self.trace.as_ref().map(Outgoing::child)
    }

    pub(crate) fn add(&self, attempt: Attempt) {
        self.attempts.lock().push(attempt);
    }

    /// All attempts, in the order in which they ended.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().clone()
    }

    /// The attempt that gave the answer.
    pub fn answered(&self) -> Option<Attempt> {
        self.attempts.lock().iter().find(|attempt| attempt.outcome == Outcome::Answered).cloned()
    }

    /// Did something else answer than what was tried first?
    pub fn fell_back(&self) -> bool {
        let attempts = self.attempts.lock();
        let Some(answered) = attempts.iter().find(|attempt| attempt.outcome == Outcome::Answered) else {
            return false;
        };
        answered.last_resort
            || attempts.iter().any(|one| matches!(one.outcome, Outcome::Failed(_)) && one.model != answered.model)
    }
}
