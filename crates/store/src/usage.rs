//! What calls consumed, added up by the hour.
//!
//! It does not know prices or where calls come from: `metering` does.

use crate::calendar::period_start;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use yizhan_domain::{Money, Result};

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// Upper bounds of the latency histogram in milliseconds, each about half as much again as the one
/// before; one more bucket holds what took longer.
pub const LATENCY_BOUNDS: [u32; 27] = [
    10, 15, 22, 33, 50, 75, 110, 170, 250, 375, 560, 850, 1250, 1900, 2800, 4200, 6300, 9500, 14_000, 21_000, 32_000,
    48_000, 72_000, 108_000, 162_000, 243_000, 365_000,
];

/// How many calls took how long, by [`LATENCY_BOUNDS`].
pub type Latencies = [u64; LATENCY_BOUNDS.len() + 1];

/// Whose and what a row of usage is. Empty texts stand for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UsageKey {
    /// Start of the hour, milliseconds since 1970.
    pub hour_ms: i64,
    /// The tenant.
    pub tenant: String,
    /// Its project.
    pub project: String,
    /// Its user.
    pub user: String,
    /// The API key's public id.
    pub key: String,
    /// The application.
    pub app: String,
    /// The model that served.
    pub model: String,
    /// The provider that served.
    pub provider: String,
}

impl UsageKey {
    /// Its value in a dimension.
    pub fn of(&self, dimension: Dimension) -> &str {
        match dimension {
            Dimension::Tenant => &self.tenant,
            Dimension::Project => &self.project,
            Dimension::User => &self.user,
            Dimension::Key => &self.key,
            Dimension::App => &self.app,
            Dimension::Model => &self.model,
            Dimension::Provider => &self.provider,
        }
    }
}

macro_rules! counts {
    ($( $(#[doc = $doc:literal])* $name:ident, $word:literal; )*) => {
        /// What is added up.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct UsageCounts {
            $( $(#[doc = $doc])* pub $name: u64, )*
            /// Money, in billionths of the installation's currency.
            pub charge: Money,
            /// Calls by how long they took.
            pub latencies: Latencies,
        }

        impl UsageCounts {
            /// Names of the plain counts, in the order of [`UsageCounts::plain`].
            pub const NAMES: [&'static str; [$($word),*].len()] = [$($word),*];

            /// The plain counts.
            pub fn plain(&self) -> [u64; Self::NAMES.len()] {
                [$(self.$name),*]
            }

            /// From plain counts, money and latencies.
            pub fn from_plain(plain: [u64; Self::NAMES.len()], charge: Money, latencies: Latencies) -> Self {
                let [$($name),*] = plain;
                Self { $($name,)* charge, latencies }
            }

            /// Adds another's.
            pub fn add(&mut self, other: &Self) {
                $( self.$name = self.$name.saturating_add(other.$name); )*
                self.charge += other.charge;
                for (mine, other) in self.latencies.iter_mut().zip(other.latencies) {
                    *mine = mine.saturating_add(other);
                }
            }
        }
    };
}

counts! {
    /// Calls, however they ended.
    calls, "calls";
    /// Of them, those that failed.
    errors, "errors";
    /// Of them, those that were refused before a model was asked, blocked by a rule included.
    refusals, "refusals";
    /// Of them, those whose caller went away.
    cancelled, "cancelled";
    /// Of them, those answered from a cache.
    cache_hits, "cache_hits";
    /// Of them, those served by another model than the first choice.
    fallbacks, "fallbacks";
    /// Of them, those whose model has no price: their money is unknown, not nothing.
    unpriced, "unpriced";
    /// Tokens of prompts, cached ones included.
    prompt_tokens, "prompt_tokens";
    /// Of them, those that were not computed again.
    cached_tokens, "cached_tokens";
    /// Of them, those put into a provider's cache.
    cache_write_tokens, "cache_write_tokens";
    /// Tokens generated, reasoning included.
    completion_tokens, "completion_tokens";
    /// Of them, those that were reasoning.
    reasoning_tokens, "reasoning_tokens";
    /// Sum of the calls' durations, milliseconds.
    total_ms, "total_ms";
    /// Sum of the times to the first token, milliseconds.
    first_token_ms, "first_token_ms";
    /// Calls that have such a time.
    first_token_calls, "first_token_calls";
}

impl UsageCounts {
    /// Counts a call that took so long in the histogram.
    pub fn count_latency(&mut self, ms: u32) {
        self.latencies[LATENCY_BOUNDS.partition_point(|bound| *bound < ms)] += 1;
    }

    /// The duration in milliseconds that this share (0 to 1) of the calls kept to, interpolated inside
    /// a bucket: right to about a quarter. None without calls.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let all: u64 = self.latencies.iter().sum();
        let wanted = (share.clamp(0.0, 1.0) * all as f64).max(1.0);
        let mut below = 0.0;
        for (bucket, count) in self.latencies.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = *count as f64;
            if below + count >= wanted {
                let low = bucket.checked_sub(1).map_or(0, |bucket| LATENCY_BOUNDS[bucket]);
                // What is longer than every bound is told as the last bound.
                let high = LATENCY_BOUNDS.get(bucket).copied().unwrap_or(low);
                return Some(f64::from(low) + f64::from(high - low) * (wanted - below) / count);
            }
            below += count;
        }
        None
    }

    fn measure(&self, measure: Measure) -> i128 {
        i128::from(match measure {
            Measure::Calls => self.calls,
            Measure::Errors => self.errors,
            Measure::Refusals => self.refusals,
            Measure::CacheHits => self.cache_hits,
            Measure::Tokens => self.prompt_tokens.saturating_add(self.completion_tokens),
            Measure::PromptTokens => self.prompt_tokens,
            Measure::CompletionTokens => self.completion_tokens,
            Measure::TotalMs => self.total_ms,
            Measure::Charge => return i128::from(self.charge.0),
        })
    }
}

/// What usage is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Who pays.
    Tenant,
    /// A part of the tenant's work.
    Project,
    /// A person or service.
    User,
    /// An API key.
    Key,
    /// An application.
    App,
    /// A model.
    Model,
    /// A provider.
    Provider,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Dimension; 7] =
        [Self::Tenant, Self::Project, Self::User, Self::Key, Self::App, Self::Model, Self::Provider];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Project => "project",
            Self::User => "user",
            Self::Key => "key",
            Self::App => "app",
            Self::Model => "model",
            Self::Provider => "provider",
        }
    }
}

/// Into what spans of time usage is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Hours.
    Hour,
    /// Days of the query's zone.
    Day,
    /// Months of the query's zone.
    Month,
}

/// What the largest is sought by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Calls.
    Calls,
    /// Failed calls.
    Errors,
    /// Refused calls.
    Refusals,
    /// Calls answered from a cache.
    CacheHits,
    /// Tokens of prompt and completion.
    Tokens,
    /// Tokens of prompts.
    PromptTokens,
    /// Tokens generated.
    CompletionTokens,
    /// Time spent.
    TotalMs,
    /// Money.
    Charge,
}

/// A question about usage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UsageQuery {
    /// Hours that begin at this time or later, milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Hours that begin before this time.
    pub to_ms: Option<i64>,
    /// Only rows that have one of the values in each dimension named.
    pub only: Vec<(Dimension, Vec<String>)>,
    /// One group for each combination of these; none is one group in all.
    pub by: Vec<Dimension>,
    /// And for each such span of time.
    pub period: Option<Period>,
    /// Where days and months begin: minutes east of UTC.
    pub offset_minutes: i32,
    /// Largest first by this, instead of by time and names.
    pub largest: Option<Measure>,
    /// At most so many groups.
    pub limit: Option<usize>,
}

impl UsageQuery {
    /// Is the row asked for?
    pub fn matches(&self, key: &UsageKey) -> bool {
        self.from_ms.is_none_or(|from| key.hour_ms >= from)
            && self.to_ms.is_none_or(|to| key.hour_ms < to)
            && self.only.iter().all(|(dimension, values)| values.iter().any(|value| value == key.of(*dimension)))
    }

    /// The group that a row is in, without its counts.
    pub fn group_of(&self, key: &UsageKey) -> (Option<i64>, Vec<String>) {
        let start = self.period.map(|period| period_start(period, key.hour_ms, self.offset_minutes));
        (start, self.by.iter().map(|dimension| key.of(*dimension).to_owned()).collect())
    }

    /// Puts groups into the order asked for and keeps as many as asked for. Drivers call it last, so
    /// that all answer alike.
    pub fn arrange(&self, mut groups: Vec<UsageGroup>) -> Vec<UsageGroup> {
        groups.sort_by(|a, b| (a.start_ms, &a.values).cmp(&(b.start_ms, &b.values)));
        if let Some(measure) = self.largest {
            groups.sort_by_key(|group| std::cmp::Reverse(group.counts.measure(measure)));
        }
        groups.truncate(self.limit.unwrap_or(usize::MAX));
        groups
    }
}

/// An answer's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageGroup {
    /// Start of the span, milliseconds since 1970; none when the query names no period.
    pub start_ms: Option<i64>,
    /// A value for each dimension of the query, in its order.
    pub values: Vec<String>,
    /// The sums.
    pub counts: UsageCounts,
}

/// Rows to be added, and which records of the source they cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageBatch {
    /// Where the records come from, e.g. `audit`. Each source has a position of its own.
    pub source: String,
    /// The position before.
    pub after: u64,
    /// The position afterwards: the last record that is in the rows.
    pub through: u64,
    /// The rows, each key once.
    pub rows: Vec<(UsageKey, UsageCounts)>,
}

/// Keeps usage.
#[async_trait]
pub trait UsageStore: Send + Sync {
    /// Adds a batch to what is there and moves its source's position, both or neither. When the position
    /// is not the batch's `after`, nothing changes. Returns the position that holds then: the batch's
    /// `through` says that it is counted, once, however often it was sent.
    async fn add_usage(&self, batch: UsageBatch) -> Result<u64>;

    /// The last record of a source that is counted; 0 at the beginning.
    async fn usage_position(&self, source: &str) -> Result<u64>;

    /// Groups with their sums.
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageGroup>>;

    /// Forgets hours that begin before this time; returns how many rows.
    async fn delete_usage_before(&self, before_ms: i64) -> Result<u64>;
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
