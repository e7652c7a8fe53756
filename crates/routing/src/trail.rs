//! What a route tried for one call, for the audit and the reply's headers.
//!
//! It does not know who reads it.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use yizhan_domain::{ErrorCode, ModelName};

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
    /// From its start to its first content or failure.
    pub took: Duration,
    /// Was it the last resort?
    pub last_resort: bool,
}

/// The attempts of one call so far. Cheap to clone; all clones are the same trail.
#[derive(Clone, Debug, Default)]
pub struct Trail(Arc<Mutex<Vec<Attempt>>>);

impl Trail {
    /// Nothing tried yet.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn add(&self, attempt: Attempt) {
        self.0.lock().push(attempt);
    }

    /// All attempts, in the order in which they ended.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.0.lock().clone()
    }

    /// The attempt that gave the answer.
    pub fn answered(&self) -> Option<Attempt> {
        self.0.lock().iter().find(|attempt| attempt.outcome == Outcome::Answered).cloned()
    }

    /// Did something else answer than what was tried first?
    pub fn fell_back(&self) -> bool {
        let attempts = self.0.lock();
        let Some(answered) = attempts.iter().find(|attempt| attempt.outcome == Outcome::Answered) else {
            return false;
        };
        answered.last_resort
            || attempts.iter().any(|one| matches!(one.outcome, Outcome::Failed(_)) && one.model != answered.model)
    }
}
