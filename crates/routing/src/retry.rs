//! Whether and when to try again: exponential backoff with full jitter, under a budget that keeps
//! retries from multiplying an outage.
//!
//! It does not know what is tried. Jitter after Amazon's "Exponential Backoff And Jitter"; the
//! budget after Finagle's.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode};

/// How often a target is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrySettings {
    /// Attempts beside the first, on the same target.
    pub more: u32,
    /// The first pause is at most this many milliseconds; each further one twice that.
    pub pause_ms: u64,
    /// No pause is longer, in milliseconds. A provider that asks for more is left for another one.
    pub most_pause_ms: u64,
    /// Retries may be this share of all calls, 0–1.
    pub share: f32,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self { more: 1, pause_ms: 100, most_pause_ms: 2_000, share: 0.2 }
    }
}

/// Retries that may still be made.
pub(crate) struct RetryBudget {
    share: f32,
    tokens: Mutex<f32>,
}

/// Retries that an idle route has saved up.
const MOST_SAVED: f32 = 10.0;

impl RetryBudget {
    pub(crate) fn new(share: f32) -> Self {
        Self { share, tokens: Mutex::new(MOST_SAVED) }
    }

    /// A call came.
    pub(crate) fn earn(&self) {
        let mut tokens = self.tokens.lock();
        *tokens = (*tokens + self.share).min(MOST_SAVED);
    }

    /// May one retry be made?
    pub(crate) fn spend(&self) -> bool {
        let mut tokens = self.tokens.lock();
        let enough = *tokens >= 1.0;
        if enough {
            *tokens -= 1.0;
        }
        enough
    }
}

/// Could the same call, made again or elsewhere, go well?
pub(crate) fn is_worth_repeating(error: &Error) -> bool {
    match error.code() {
        ErrorCode::RateLimited
        | ErrorCode::Overloaded
        | ErrorCode::ProviderFailed
        | ErrorCode::ModelUnavailable
        | ErrorCode::WorkerFailed
        | ErrorCode::Timeout
        | ErrorCode::Io
        | ErrorCode::Internal => true,
        // The provider's account is empty, or its key is wrong: another provider's may be fine.
        ErrorCode::BudgetExceeded | ErrorCode::InvalidApiKey | ErrorCode::PermissionDenied => true,
        // What the provider does not have, another may.
        ErrorCode::ModelNotFound | ErrorCode::NotFound => true,
        // A longer context may be had elsewhere.
        ErrorCode::ContextLengthExceeded => true,
        _ => false,
    }
}

/// Does it help to ask the same target again?
pub(crate) fn is_worth_retrying_here(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::RateLimited
            | ErrorCode::Overloaded
            | ErrorCode::ProviderFailed
            | ErrorCode::WorkerFailed
            | ErrorCode::Io
    )
}

/// Does it say something about the target's health?
pub(crate) fn is_the_targets_fault(error: &Error) -> bool {
    !matches!(error.code(), ErrorCode::ContextLengthExceeded | ErrorCode::InvalidRequest | ErrorCode::ContentBlocked)
}

/// The pause before retry number `retry` (from 0); none when the provider asks for more patience
/// than is allowed.
pub(crate) fn pause(settings: &RetrySettings, retry: u32, error: &Error) -> Option<Duration> {
    let most = Duration::from_millis(settings.most_pause_ms);
    if let Some(asked) = error.wait() {
        return (asked <= most).then_some(asked);
    }
    let ceiling = settings.pause_ms.saturating_mul(1 << retry.min(16)).min(settings.most_pause_ms);
    Some(Duration::from_millis(ceiling).mul_f64(random_share()))
}

/// A random number from 0 to 1. Without the system's randomness: one half, which is a backoff too.
pub(crate) fn random_share() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
