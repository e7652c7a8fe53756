//! Limits held in Redis 7, so that several processes share them, and answers that they share
//! ([`RedisAnswers`]). The limits have the same semantics as those of
//! [`MemoryLimiter`](yizhan_access::MemoryLimiter), by the same contract.
//!
//! Begin at [`RedisLimiter`]. Every step is one call of one script (`limits.lua`) that runs by the time of
//! the Redis server, on keys that share a hash tag: `PREFIX{TENANT}:SUBJECT:…`. Everything that is kept has
//! a time after which Redis forgets it. This crate alone knows Redis; it does not know callers, prices, or
//! what to do when Redis does not answer: that is an error, and the installation's choice in `access`.

mod answers;
mod counters;
mod hold;
mod ledger;
mod limiter;
mod link;
mod pending;
mod periods;
mod probe;
mod script;
mod settings;
mod upkeep;

pub use answers::RedisAnswers;
pub use counters::Counters;
pub use limiter::RedisLimiter;
pub use probe::{Probe, probe};
pub use settings::RedisSettings;
