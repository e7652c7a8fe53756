//! Limits as they stand in the configuration and in the store.
//!
//! It does not know who is limited, or how a limit is held.

use crate::calendar::UtcOffset;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode, Money, Result};

/// Requests a second that each tenant may make unless the configuration says otherwise.
const REQUESTS_PER_SECOND: f64 = 200.0;

/// A number, or the word `"unlimited"`, which takes away a limit that would hold otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, or \"unlimited\"")]
pub enum Bound<T> {
    /// At most this.
    At(T),
    /// No limit.
    Word(Unlimited),
}

/// The word for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unlimited {
    /// `"unlimited"`.
    #[serde(rename = "unlimited")]
    Unlimited,
}

impl<T: Copy> Bound<T> {
    fn value(self) -> Option<T> {
        match self {
            Bound::At(value) => Some(value),
            Bound::Word(_) => None,
        }
    }
}

/// What one tenant, project, user or key may use. What is left out is as configured for its kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests that may begin each second, e.g. `200` or `0.5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<Bound<f64>>,
    /// How many of them may come at once. As many as one second's (at least 1) unless given. In any
    /// `burst / requests_per_second` seconds at most `burst` requests begin, so a small one evens calls
    /// out and a large one lets peaks through; the rate in the long run is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Tokens of prompts and answers in any 60 seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<Bound<u64>>,
    /// Requests under way at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_requests: Option<Bound<u32>>,
    /// Money in a calendar day, in the installation's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money_per_day: Option<Bound<f64>>,
    /// Money in a calendar month, in the installation's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money_per_month: Option<Bound<f64>>,
    /// Further limits for models of these names, with `*` for any text. All models that match a pattern
    /// share its limits, and a call is held to every pattern that matches.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, Limits>,
}

/// What to do when the limits cannot be checked, because the store or Redis does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Let calls through without limits.
    Open,
    /// Refuse calls.
    #[default]
    Closed,
}

impl OnFailure {
    /// What becomes of a call whose limits could not be checked for this cause.
    pub(crate) fn outcome(self, cause: &Error) -> Result<()> {
        match self {
            Self::Open => Ok(()),
            Self::Closed => {
                tracing::debug!(%cause, "refused, as the limits cannot be checked");
                let message = "The limits cannot be checked at the moment. Retry in a second.";
                Err(Error::new(ErrorCode::Overloaded, message).retry_after(Duration::from_secs(1)))
            }
        }
    }
}

/// The table `[limits]` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Where days and months begin: `"Z"` or like `"+08:00"`. UTC unless given.
    pub utc_offset: UtcOffset,
    /// `"open"` or `"closed"`, which is the default.
    pub on_failure: OnFailure,
    /// For each tenant, unless it has its own. 200 requests a second unless given.
    pub tenant: Limits,
    /// For each project, unless it has its own. None unless given.
    pub project: Limits,
    /// For each user, unless it has its own. None unless given.
    pub user: Limits,
    /// For each key, unless it has its own. None unless given.
    pub key: Limits,
}

impl LimitSettings {
    /// `InvalidConfig` when a limit makes no sense; the sentence names it.
    pub fn check(&self) -> Result<()> {
        let kinds = [("tenant", &self.tenant), ("project", &self.project), ("user", &self.user), ("key", &self.key)];
        kinds.iter().try_for_each(|(name, limits)| limits.check(&format!("limits.{name}")))
    }

    /// What holds for a subject of this kind (`tenant`, `project`, `user`, `key`) with such limits of its own.
    pub(crate) fn for_kind(&self, kind: &str, own: &Limits) -> Limits {
        let built_in = Limits {
            requests_per_second: (kind == "tenant").then_some(Bound::At(REQUESTS_PER_SECOND)),
            ..Limits::default()
        };
        let configured = match kind {
            "tenant" => &self.tenant,
            "project" => &self.project,
            "user" => &self.user,
            _ => &self.key,
        };
        own.over(&configured.over(&built_in))
    }
}

impl Limits {
    /// `InvalidConfig` when a limit makes no sense; `place` says where it stands, e.g. `limits.tenant`.
    pub fn check(&self, place: &str) -> Result<()> {
        let wrong = |field: &str, what: &str| {
            Err(Error::new(ErrorCode::InvalidConfig, format!("{place}.{field} {what}.")).at(format!("{place}.{field}")))
        };
        let rate = self.requests_per_second.and_then(Bound::value);
        if rate.is_some_and(|rate| !(0.001..=1_000_000.0).contains(&rate)) {
            return wrong("requests_per_second", "must be between 0.001 and 1000000");
        }
        if self.burst == Some(0) {
            return wrong("burst", "must be at least 1");
        }
        if let (Some(rate), Some(burst)) = (rate, self.burst)
            && (f64::from(burst) < rate / 10.0 || f64::from(burst) > rate * 3600.0)
        {
            return wrong("burst", "must be between a tenth of a second's and an hour's requests");
        }
        for (field, money) in [("money_per_day", self.money_per_day), ("money_per_month", self.money_per_month)] {
            let is_amount = |amount: f64| amount >= 0.0 && Money::from_f64(amount).is_some();
            if money.and_then(Bound::value).is_some_and(|amount| !is_amount(amount)) {
                return wrong(field, "must be an amount from 0 to nine billion");
            }
        }
        for (pattern, limits) in &self.models {
            if pattern.is_empty() || !limits.models.is_empty() {
                return wrong("models", "takes patterns of names, each with plain limits");
            }
            limits.check(&format!("{place}.models.\"{pattern}\""))?;
        }
        Ok(())
    }

    /// These, and where they say nothing, those of `base`.
    fn over(&self, base: &Limits) -> Limits {
        let mut models = base.models.clone();
        for (pattern, limits) in &self.models {
            let merged = models.get(pattern).map_or_else(|| limits.clone(), |base| limits.over(base));
            models.insert(pattern.clone(), merged);
        }
        Limits {
            requests_per_second: self.requests_per_second.or(base.requests_per_second),
            // A burst belongs to its rate.
            burst: if self.requests_per_second.is_some() { self.burst } else { self.burst.or(base.burst) },
            tokens_per_minute: self.tokens_per_minute.or(base.tokens_per_minute),
            concurrent_requests: self.concurrent_requests.or(base.concurrent_requests),
            money_per_day: self.money_per_day.or(base.money_per_day),
            money_per_month: self.money_per_month.or(base.money_per_month),
            models,
        }
    }

    pub(crate) fn rate(&self) -> Option<f64> {
        self.requests_per_second.and_then(Bound::value)
    }

    pub(crate) fn tokens(&self) -> Option<u64> {
        self.tokens_per_minute.and_then(Bound::value)
    }

    pub(crate) fn concurrent(&self) -> Option<u64> {
        self.concurrent_requests.and_then(Bound::value).map(u64::from)
    }

    pub(crate) fn day(&self) -> Option<Money> {
        self.money_per_day.and_then(Bound::value).and_then(Money::from_f64)
    }

    pub(crate) fn month(&self) -> Option<Money> {
        self.money_per_month.and_then(Bound::value).and_then(Money::from_f64)
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
