//! How near a caller is to their limits, as the headers that OpenAI's clients read.
//!
//! It does not know HTTP: the names and values are text.

use std::time::Duration;

/// One limit's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// What it allows.
    pub limit: u64,
    /// What is left.
    pub remaining: u64,
    /// Until when all of it is left again, if nothing more is taken.
    pub reset: Duration,
}

impl Level {
    /// Of two, the one with the smaller part left.
    fn nearer(self, other: Self) -> Self {
        let (own, others) = (
            u128::from(self.remaining) * u128::from(other.limit),
            u128::from(other.remaining) * u128::from(self.limit),
        );
        if others < own { other } else { self }
    }
}

/// Requests and tokens: of all subjects of a call, the ones nearest to exhaustion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Requests, where they are limited.
    pub requests: Option<Level>,
    /// Tokens, where they are limited.
    pub tokens: Option<Level>,
}

impl Standing {
    /// With one more subject.
    pub fn and(self, requests: Option<Level>, tokens: Option<Level>) -> Self {
        let nearer = |own: Option<Level>, other: Option<Level>| match (own, other) {
            (Some(own), Some(other)) => Some(own.nearer(other)),
            (own, other) => own.or(other),
        };
        Self { requests: nearer(self.requests, requests), tokens: nearer(self.tokens, tokens) }
    }

    /// The headers `x-ratelimit-…`, three for each limit that there is.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::with_capacity(6);
        let mut add = |names: [&'static str; 3], level: Option<Level>| {
            if let Some(level) = level {
                let values = [level.limit.to_string(), level.remaining.to_string(), duration(level.reset)];
                headers.extend(names.into_iter().zip(values));
            }
        };
        add(
            ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
            self.requests,
        );
        add(["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"], self.tokens);
        headers
    }
}

/// As OpenAI writes a time in headers: `20ms`, `1s`, `8.64s`, `6m0s`, `1h0m0s`.
pub(crate) fn duration(time: Duration) -> String {
    let millis = time.as_millis();
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let seconds = (millis % 60_000) as f64 / 1000.0;
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
