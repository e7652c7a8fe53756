//! What happened between this process and Redis, for metrics.
//!
//! It does not know how metrics are exposed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A log line of a kind comes at most this often.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// Numbers since the start, but for the last two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Reservations, top-ups and looks that Redis did not answer.
    pub failures: u64,
    /// Times that the connection was lost.
    pub lost: u64,
    /// Settlements that were given up: what they would have given back stays spent.
    pub dropped: u64,
    /// Settlements that wait for Redis now.
    pub pending: usize,
    /// Is there a connection now?
    pub connected: bool,
}

/// Counts and tells.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, amount: usize) {
        self.0.fetch_add(amount as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Says when a warning is due again.
#[derive(Debug, Default)]
pub(crate) struct Warner(Mutex<Option<Instant>>);

impl Warner {
    pub(crate) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= WARN_EVERY);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}
