//! What an installation decides about its cache: `[cache]` of the configuration.
//!
//! It does not know where it is written.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use yizhan_domain::{Error, ErrorCode, ModelName, Result};

/// `[cache]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Is anything kept at all?
    pub enabled: bool,
    /// Seconds after which an answer is forgotten.
    pub ttl_seconds: u64,
    /// Most memory for answers, in MiB. What was asked for twice goes last.
    pub max_mib: usize,
    /// An answer larger than this, in KiB, is not kept.
    pub max_answer_kib: usize,
    /// At which temperatures answers are kept.
    pub temperature: Temperature,
    /// Are answers to requests with tools kept? Then calls of tools are repeated, side effects and all.
    pub tools: bool,
    /// Are answers kept that ended at the limit of tokens?
    pub cut_short: bool,
    /// Seconds for which a call waits for an equal one that is being answered; 0: it does not. It gets the
    /// whole answer then, but nothing before.
    pub share_seconds: u64,
    /// Routes, models and applications whose answers are never kept.
    pub off: BTreeSet<ModelName>,
    /// Questions that are nearly the same.
    pub semantic: Semantic,
    /// Answers that several servers share.
    pub shared: Shared,
}

/// `[cache.shared]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shared {
    /// Are answers looked for, and kept, where other servers see them too?
    pub enabled: bool,
    /// Most memory for answers there, in MiB. The oldest go first.
    pub max_mib: usize,
}

impl Default for Shared {
    fn default() -> Self {
        Self { enabled: false, max_mib: 256 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: false,
            ttl_seconds: 3600,
            max_mib: 64,
            max_answer_kib: 256,
            temperature: Temperature::Zero,
            tools: false,
            cut_short: false,
            share_seconds: 10,
            off: BTreeSet::new(),
            semantic: Semantic::default(),
            shared: Shared::default(),
        }
    }
}

/// At which temperatures an answer may be given again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temperature {
    /// Only where the request (or its application) says 0, or asks for the likeliest token alone.
    #[default]
    Zero,
    /// Also where nobody says, although most models then vary.
    ZeroOrUnset,
    /// At any: who asks twice gets the same answer twice.
    Any,
}

/// `[cache.semantic]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Semantic {
    /// Are answers given to questions that are only nearly the same?
    pub enabled: bool,
    /// The embedding model that compares questions.
    pub model: Option<ModelName>,
    /// Least cosine of two questions. The default was chosen for multilingual-e5-small; another model needs
    /// another.
    pub threshold: f32,
    /// Most questions that are remembered, in all; each takes four bytes a dimension and some hundred more.
    pub max_questions: usize,
    /// Most questions of one partition; they are compared one by one.
    pub max_per_partition: usize,
    /// Only for a conversation's first question. Later ones rarely meet, and each costs an embedding.
    pub first_turn_only: bool,
}

impl Default for Semantic {
    fn default() -> Self {
        Self {
            enabled: false,
            model: None,
            threshold: DEFAULT_THRESHOLD,
            max_questions: 20_000,
            max_per_partition: 5_000,
            first_turn_only: true,
        }
    }
}

/// The highest at which no verified hit is lost in the half `choose` of `testdata/pairs.jsonl`, with
/// multilingual-e5-small. What it gives in the other half is in the tests of `facts`.
const DEFAULT_THRESHOLD: f32 = 0.95;

impl Settings {
    /// Are the numbers possible?
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(Error::new(ErrorCode::InvalidConfig, what));
        if self.enabled && (self.ttl_seconds == 0 || self.max_mib == 0 || self.max_answer_kib == 0) {
            return wrong("cache.ttl_seconds, cache.max_mib and cache.max_answer_kib must be at least 1.");
        }
        if self.shared.enabled && self.shared.max_mib == 0 {
            return wrong("cache.shared.max_mib must be at least 1.");
        }
        let semantic = &self.semantic;
        if !(0.0..=1.0).contains(&semantic.threshold) {
            return wrong("cache.semantic.threshold is a cosine: a number from 0 to 1.");
        }
        if semantic.enabled && semantic.model.is_none() {
            return wrong("cache.semantic.enabled needs cache.semantic.model, the name of an embedding model.");
        }
        if semantic.enabled && (semantic.max_questions == 0 || semantic.max_per_partition == 0) {
            return wrong("cache.semantic.max_questions and max_per_partition must be at least 1.");
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
