//! What was taken in the last seconds: a sliding window, exact to its grain.
//!
//! It does not know what is counted.

use std::collections::VecDeque;
use std::time::Duration;

/// Amounts by the time at which they were taken. A window holds at most one entry for each grain of
/// its span, and none when nothing was taken within it.
#[derive(Debug, Default)]
pub(super) struct Window {
    taken: VecDeque<(i64, u64)>,
    sum: u64,
}

/// The length of a window, and how finely it tells times apart, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub length: i64,
    pub grain: i64,
}

impl Span {
    /// A thousand steps or more would only cost memory.
    pub(super) fn new(length: i64) -> Self {
        Self { length, grain: (length / 1000).max(1) }
    }

    /// Rounded up, so that nothing is forgotten early.
    pub(super) fn tick(self, now: i64) -> i64 {
        now.saturating_add(self.grain - 1).div_euclid(self.grain) * self.grain
    }
}

impl Window {
    /// Forgets what is older than the span, and returns what is in it.
    pub(super) fn sum(&mut self, now: i64, span: Span) -> u64 {
        let (begin, latest) = (now.saturating_sub(span.length), span.tick(now));
        while let Some((_, amount)) = self.taken.pop_front_if(|(at, _)| *at <= begin) {
            self.sum = self.sum.saturating_sub(amount);
        }
        // The clock was set back: what seems to lie in the future was taken now.
        let mut ahead = 0u64;
        while let Some((_, amount)) = self.taken.pop_back_if(|(at, _)| *at > latest) {
            ahead = ahead.saturating_add(amount);
        }
        if ahead > 0 {
            self.push(latest, ahead);
        }
        self.sum
    }

    /// Adds an amount, and returns the time under which it can be taken back.
    pub(super) fn add(&mut self, now: i64, span: Span, amount: u64) -> i64 {
        let at = span.tick(now);
        self.push(at, amount);
        self.sum = self.sum.saturating_add(amount);
        at
    }

    fn push(&mut self, at: i64, amount: u64) {
        match self.taken.back_mut() {
            Some((last, sum)) if *last >= at => *sum = sum.saturating_add(amount),
            _ => self.taken.push_back((at, amount)),
        }
    }

    /// Takes back what was added at that time, as far as it is within the window still.
    pub(super) fn take_back(&mut self, at: i64, amount: u64) {
        if let Ok(found) = self.taken.binary_search_by_key(&at, |(at, _)| *at) {
            let left = &mut self.taken[found].1;
            let back = amount.min(*left);
            *left -= back;
            self.sum = self.sum.saturating_sub(back);
        }
    }

    /// When so much of what is in it has left it.
    pub(super) fn wait(&self, now: i64, span: Span, amount: u64) -> Duration {
        let mut freed = 0u64;
        for (at, taken) in &self.taken {
            freed = freed.saturating_add(*taken);
            if freed >= amount {
                return since(at.saturating_add(span.length), now);
            }
        }
        self.reset(now, span)
    }

    /// When it is empty.
    pub(super) fn reset(&self, now: i64, span: Span) -> Duration {
        self.taken
            .back()
            .filter(|_| self.sum > 0)
            .map_or(Duration::ZERO, |(at, _)| since(at.saturating_add(span.length), now))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }
}

fn since(later: i64, now: i64) -> Duration {
    Duration::from_millis(u64::try_from(later.saturating_sub(now)).unwrap_or(0))
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
