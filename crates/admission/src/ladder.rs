//! Steps of degradation: up while the processor is short, down again after a quiet time.
//!
//! It does not measure, and does not know clocks: both are told.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is given up, from nothing to everything. Each step includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Nothing.
    #[default]
    Normal,
    /// Answers are shortened; what asks for a long one is refused.
    ShortAnswers,
    /// A cheaper or local model answers.
    CheaperModel,
    /// Only what the cache holds is answered.
    CacheOnly,
    /// New calls are refused.
    Refuse,
}

impl Step {
    /// All steps, from the mildest.
    pub const ALL: [Step; 5] = [Step::Normal, Step::ShortAnswers, Step::CheaperModel, Step::CacheOnly, Step::Refuse];

    /// The word in metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Step::Normal => "normal",
            Step::ShortAnswers => "short_answers",
            Step::CheaperModel => "cheaper_model",
            Step::CacheOnly => "cache_only",
            Step::Refuse => "refuse",
        }
    }

    fn up(self) -> Step {
        Step::ALL[(self as usize + 1).min(Step::ALL.len() - 1)]
    }

    fn down(self) -> Step {
        Step::ALL[(self as usize).saturating_sub(1)]
    }
}

/// When steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LadderSettings {
    /// One step up when the processor is busier than this, 0–1.
    pub raise_above: f64,
    /// One step down when it is quieter than this, 0–1.
    pub lower_below: f64,
    /// Between two steps up, milliseconds: the time that a step needs to show its effect.
    pub raise_every_ms: u64,
    /// How long it must have been quiet for each step down, milliseconds.
    pub lower_every_ms: u64,
}

impl Default for LadderSettings {
    fn default() -> Self {
        Self { raise_above: 0.8, lower_below: 0.65, raise_every_ms: 1_000, lower_every_ms: 5_000 }
    }
}

/// The present step.
#[derive(Clone, Debug)]
pub struct Ladder {
    settings: LadderSettings,
    step: Step,
    /// When it was last changed; none: never.
    changed: Option<Duration>,
    quiet_since: Option<Duration>,
}

impl Ladder {
    /// At the bottom.
    pub fn new(settings: LadderSettings) -> Self {
        Self { settings, step: Step::Normal, changed: None, quiet_since: None }
    }

    /// The present step.
    pub fn step(&self) -> Step {
        self.step
    }

    /// Takes a measurement, 0–1, at a time since any fixed moment. The new step, if it changed.
    pub fn observe(&mut self, busy: f64, now: Duration) -> Option<Step> {
        let next = self.next(busy, now);
        if next == self.step {
            return None;
        }
        (self.step, self.changed) = (next, Some(now));
        Some(next)
    }

    fn next(&mut self, busy: f64, now: Duration) -> Step {
        let every = Duration::from_millis(self.settings.raise_every_ms);
        if busy >= self.settings.lower_below {
            self.quiet_since = None;
        }
        if busy > self.settings.raise_above {
            let waited = self.changed.is_none_or(|changed| now.saturating_sub(changed) >= every);
            return if waited { self.step.up() } else { self.step };
        }
        if busy < self.settings.lower_below {
            let since = *self.quiet_since.get_or_insert(now);
            if now.saturating_sub(since) >= Duration::from_millis(self.settings.lower_every_ms) {
                self.quiet_since = Some(now);
                return self.step.down();
            }
        }
        self.step
    }
}

#[cfg(test)]
#[path = "ladder_tests.rs"]
mod tests;
