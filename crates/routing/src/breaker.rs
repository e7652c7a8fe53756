//! A circuit breaker: a target that fails again and again is left alone for a while, then probed
//! by one call.
//!
//! It does not know what a failure is: its caller does. The states are those of Nygard's
//! "Release It!".

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;

/// When a target is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerSettings {
    /// So many failures in a row open it.
    pub failures: u32,
    /// Or this share of failures among at least `calls` in the window, 0–1.
    pub failure_share: f32,
    /// Least calls in the window for the share to count.
    pub calls: u32,
    /// Length of the window in seconds.
    pub window_s: u32,
    /// How long it stays open the first time, in seconds; doubled with each failed probe.
    pub open_s: u32,
    /// At most, in seconds.
    pub most_open_s: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, failure_share: 0.5, calls: 20, window_s: 30, open_s: 5, most_open_s: 120 }
    }
}

/// What a breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// One probe.
    HalfOpen,
}

impl BreakerState {
    /// The word in metrics and status pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "half_open",
        }
    }
}

/// The breaker of one target.
pub(crate) struct Breaker {
    settings: BreakerSettings,
    inner: Mutex<Inner>,
}

struct Inner {
    phase: Phase,
    in_a_row: u32,
    /// Failed openings since it last was closed.
    reopened: u32,
    window_began: Instant,
    calls: u32,
    failed: u32,
}

#[derive(Clone, Copy)]
enum Phase {
    Closed,
    Open { until: Instant },
    Probing { since: Instant },
}

/// Leave to try a target once. What became of it must be told; dropped without, it counts as
/// neither success nor failure.
pub(crate) struct Leave<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
    told: bool,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Self {
        let inner =
            Inner { phase: Phase::Closed, in_a_row: 0, reopened: 0, window_began: Instant::now(), calls: 0, failed: 0 };
        Self { settings, inner: Mutex::new(inner) }
    }

    /// Leave to try now, or none while it is open.
    pub(crate) fn enter(&self) -> Option<Leave<'_>> {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        let is_probe = match inner.phase {
            Phase::Closed => false,
            Phase::Open { until } if now >= until => true,
            // A probe that never came back is replaced.
            Phase::Probing { since } if now >= since + self.pause(0) => true,
            Phase::Open { .. } | Phase::Probing { .. } => return None,
        };
        if is_probe {
            inner.phase = Phase::Probing { since: now };
        }
        Some(Leave { breaker: self, is_probe, told: false })
    }

    pub(crate) fn state(&self) -> BreakerState {
        match self.inner.lock().phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { until } if Instant::now() < until => BreakerState::Open,
            Phase::Open { .. } | Phase::Probing { .. } => BreakerState::HalfOpen,
        }
    }

    fn pause(&self, doublings: u32) -> Duration {
        let seconds = u64::from(self.settings.open_s.max(1)) << doublings.min(16);
        Duration::from_secs(seconds.min(u64::from(self.settings.most_open_s.max(1))))
    }

    fn succeeded(&self) {
        let mut inner = self.inner.lock();
        inner.count(&self.settings, false);
        inner.in_a_row = 0;
        if !matches!(inner.phase, Phase::Closed) {
            *inner = Inner { phase: Phase::Closed, reopened: 0, calls: 0, failed: 0, ..*inner };
        }
    }

    fn failed(&self, is_probe: bool) {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        inner.count(&self.settings, true);
        inner.in_a_row += 1;
        let share = inner.failed as f32 / inner.calls.max(1) as f32;
        let too_many = inner.in_a_row >= self.settings.failures.max(1)
            || (inner.calls >= self.settings.calls.max(1) && share >= self.settings.failure_share);
        let was_closed = matches!(inner.phase, Phase::Closed);
        if is_probe || (was_closed && too_many) {
            inner.phase = Phase::Open { until: now + self.pause(inner.reopened) };
            inner.reopened = inner.reopened.saturating_add(1);
        }
    }

    fn abandoned(&self) {
        let mut inner = self.inner.lock();
        if let Phase::Probing { .. } = inner.phase {
            // The next call may probe at once.
            inner.phase = Phase::Open { until: Instant::now() };
        }
    }
}

impl Inner {
    fn count(&mut self, settings: &BreakerSettings, failed: bool) {
        let now = Instant::now();
        if now.duration_since(self.window_began) > Duration::from_secs(u64::from(settings.window_s)) {
            (self.window_began, self.calls, self.failed) = (now, 0, 0);
        }
        self.calls += 1;
        self.failed += u32::from(failed);
    }
}

impl Leave<'_> {
    /// It answered.
    pub(crate) fn succeeded(mut self) {
        self.told = true;
        self.breaker.succeeded();
    }

    /// It failed in a way that says something about the target.
    pub(crate) fn failed(mut self) {
        self.told = true;
        self.breaker.failed(self.is_probe);
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.is_probe && !self.told {
            self.breaker.abandoned();
        }
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
