//! The table `[redis]` of the configuration.
//!
//! It does not know what is kept in Redis.

use redis::IntoConnectionInfo;
use serde::Deserialize;
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode, Result};

/// Where Redis is, and how long to wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `redis+unix:///PATH`. All replicas name the same.
    pub url: String,
    /// What every key begins with, `yizhan:` unless given: installations that share a Redis need different ones.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// After so many milliseconds Redis counts as away, and calls are treated as `limits.on_failure` says.
    /// 100 unless given.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// How many seconds after a replica's death its calls stop counting as under way; while it lives, they are
    /// renewed. Also how long a settlement is tried when Redis is away. 60 unless given.
    #[serde(default = "lease_seconds")]
    pub lease_seconds: u64,
    /// How many settlements may wait for a Redis that is away; more are dropped, with a log line. 10000 unless
    /// given.
    #[serde(default = "pending")]
    pub pending: usize,
}

fn prefix() -> String {
    "yizhan:".to_owned()
}

fn timeout_ms() -> u64 {
    100
}

fn lease_seconds() -> u64 {
    60
}

fn pending() -> usize {
    10_000
}

impl RedisSettings {
    /// With this address, and everything else as it is unless given.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: prefix(),
            timeout_ms: timeout_ms(),
            lease_seconds: lease_seconds(),
            pending: pending(),
        }
    }

    /// `InvalidConfig` when something makes no sense; the sentence names the field, and no password.
    pub fn check(&self) -> Result<()> {
        let wrong = |field: &str, what: &str| {
            Err(Error::new(ErrorCode::InvalidConfig, format!("redis.{field} {what}.")).at(format!("redis.{field}")))
        };
        if self.url.as_str().into_connection_info().is_err() {
            return wrong("url", "must be like \"redis://HOST:6379\" or \"redis+unix:///PATH\"");
        }
        if self.prefix.contains(['{', '}']) {
            return wrong("prefix", "must not contain braces: Redis places keys by what stands between them");
        }
        if !(1..=10_000).contains(&self.timeout_ms) {
            return wrong("timeout_ms", "must be between 1 and 10000");
        }
        if !(1..=3600).contains(&self.lease_seconds) {
            return wrong("lease_seconds", "must be between 1 and 3600");
        }
        if !(1..=1_000_000).contains(&self.pending) {
            return wrong("pending", "must be between 1 and 1000000");
        }
        Ok(())
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
