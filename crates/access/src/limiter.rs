//! The seam behind which limits are held: in this process ([`MemoryLimiter`](crate::MemoryLimiter)), or
//! in a server that several share.
//!
//! It does not know callers: subjects, with their limits resolved, are all that it sees. Everything that
//! may wait is `async`, and what ends a hold is not, so that it can be done when a call is dropped; a
//! limiter that needs the network for that does it behind the caller's back.

use crate::{Level, Standing};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode, Money, Result};

/// Who is limited, and to what.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Under which its use is counted, e.g. `project:clinic/web`; the same everywhere and for ever.
    pub id: Arc<str>,
    /// The tenant that it is or belongs to. All subjects of a claim have the same, so that a limiter may keep
    /// what belongs to one tenant in one place.
    pub tenant: Arc<str>,
    /// How its own people call it, e.g. `project 'web'`.
    pub label: String,
    /// Requests.
    pub requests: Option<Rate>,
    /// Tokens in any minute.
    pub tokens_per_minute: Option<u64>,
    /// Requests at the same time.
    pub concurrent: Option<u64>,
    /// Money in a calendar day.
    pub per_day: Option<Money>,
    /// Money in a calendar month.
    pub per_month: Option<Money>,
}

impl Subject {
    /// `tenant`, `project`, `user` or `key`.
    pub fn kind(&self) -> &str {
        self.id.split(':').next().unwrap_or_default()
    }

    /// Its own id, e.g. `web` of the project `clinic/web`.
    pub fn own(&self) -> &str {
        let whole = self.id.split_once(':').map_or(&*self.id, |(_, own)| own);
        let whole = whole.split(' ').next().unwrap_or_default();
        whole.split_once('/').map_or(whole, |(_, own)| own)
    }

    /// The pattern of the models to which these limits are; none for all models together.
    pub fn models(&self) -> Option<&str> {
        self.id.split_once(' ').map(|(_, pattern)| pattern)
    }
}

/// What a subject has used of its limits; none where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Requests.
    pub requests: Option<Level>,
    /// Tokens in a minute.
    pub tokens: Option<Level>,
    /// Requests at the same time. They end when they do: the reset says nothing.
    pub concurrent: Option<Level>,
    /// Money of the day.
    pub day: Option<Spent>,
    /// Money of the month.
    pub month: Option<Spent>,
}

/// A budget's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// What it allows.
    pub limit: Money,
    /// What is spent, or promised to calls under way. What was used may pass the limit.
    pub spent: Money,
    /// Until its period ends.
    pub reset: Duration,
}

/// At most `count` in any `span_ms` milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In how long.
    pub span_ms: i64,
    /// The same, as it was configured.
    pub per_second: f64,
}

impl Rate {
    /// So many a second, of which so many may come at once; as many as a second's unless given.
    pub fn new(per_second: f64, burst: Option<u32>) -> Self {
        let count = burst.map_or_else(|| per_second.ceil().max(1.0), f64::from);
        Self { count: count as u64, span_ms: ((count / per_second * 1000.0).round() as i64).max(1), per_second }
    }
}

/// What a call wants to take from all of its subjects, each of which is named once.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// From whom.
    pub subjects: Vec<Arc<Subject>>,
    /// Tokens of the prompt and the longest answer.
    pub tokens: u64,
    /// What they cost at most.
    pub money: Money,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Requests each second.
    Requests,
    /// Tokens each minute.
    Tokens,
    /// Requests at the same time.
    Concurrency,
    /// Money each day.
    Day,
    /// Money each month.
    Month,
}

impl Limit {
    /// Its name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests_per_second",
            Self::Tokens => "tokens_per_minute",
            Self::Concurrency => "concurrent_requests",
            Self::Day => "money_per_day",
            Self::Month => "money_per_month",
        }
    }
}

/// Why a claim was not granted.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Whose limit.
    pub subject: Arc<Subject>,
    /// Which.
    pub limit: Limit,
    /// When the claim has a chance; none when it never has, as it is larger than the limit.
    pub retry_after: Option<Duration>,
}

/// What became of a claim.
pub enum Verdict {
    /// Everything was taken.
    Held(Box<dyn Hold>),
    /// Nothing was.
    Refused(Refusal),
}

/// Holds limits. Its contract is in [`contract`](crate::contract).
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Takes one request, and the claim's tokens and money, from every subject or from none, in one
    /// step that no other claim comes between. An error means that the limits could not be looked at.
    async fn reserve(&self, claim: Claim) -> Result<Verdict>;

    /// How near these subjects are to their limits.
    async fn standing(&self, subjects: &[Arc<Subject>]) -> Result<Standing>;

    /// What each of these subjects has used, in their order. For who asks, not for every call.
    async fn used(&self, subjects: &[Arc<Subject>]) -> Result<Vec<Used>>;
}

/// What a call holds. To be settled once; [`Permit`](crate::Permit) sees to that.
#[async_trait]
pub trait Hold: Send + Sync {
    /// Takes more from every subject or from none.
    async fn top_up(&mut self, tokens: u64, money: Money) -> Result<Option<Refusal>>;

    /// How near the subjects were to their limits when this was taken.
    fn standing(&self) -> Standing;

    /// Puts what was used in the place of what was taken: gives back the rest, or takes what is missing
    /// even where that passes a limit. The request itself stays counted.
    fn settle(self: Box<Self>, tokens: u64, money: Money);
}

impl Refusal {
    /// The limit's name as it is configured, and whose it is: `key.money_per_day`, or
    /// `key.models.money_per_day` when it is one of models. It names nobody.
    pub fn name(&self) -> String {
        let of_models = if self.subject.models().is_some() { ".models" } else { "" };
        format!("{}{of_models}.{}", self.subject.kind(), self.limit.as_str())
    }

    /// The error that the caller reads. It names the caller's own subject and nobody else's.
    pub fn into_error(self) -> Error {
        let (subject, label) = (&self.subject, &self.subject.label);
        let wait = self.retry_after;
        let (code, limit) = match self.limit {
            Limit::Requests => {
                let rate = subject.requests.map_or(0.0, |rate| rate.per_second);
                (ErrorCode::RateLimited, format!("{rate} requests per second"))
            }
            Limit::Tokens => {
                (ErrorCode::RateLimited, format!("{} tokens per minute", subject.tokens_per_minute.unwrap_or(0)))
            }
            Limit::Concurrency => {
                (ErrorCode::RateLimited, format!("{} requests at the same time", subject.concurrent.unwrap_or(0)))
            }
            Limit::Day => (ErrorCode::BudgetExceeded, format!("{} a day", subject.per_day.unwrap_or_default())),
            Limit::Month => (ErrorCode::BudgetExceeded, format!("{} a month", subject.per_month.unwrap_or_default())),
        };
        let message = match (code, wait) {
            (ErrorCode::BudgetExceeded, _) => format!(
                "What is left of the budget of the {label}, {limit}, does not cover this call. Wait for the next \
                 period, ask for a shorter answer, or ask an administrator for more."
            ),
            (_, None) => format!(
                "This call needs more than the limit of the {label}, {limit}, ever allows. Shorten the prompt or ask \
                 for a shorter answer."
            ),
            (_, Some(wait)) => {
                format!("The {label} has reached its limit of {limit}. Retry in {}.", crate::standing::duration(wait))
            }
        };
        let error = Error::new(code, message);
        wait.map_or(error.clone(), |wait| error.retry_after(wait))
    }
}
