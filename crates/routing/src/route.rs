//! A route: several targets that can answer the same call, and the order in which they may.
//!
//! It does not know how one attempt is made: `attempt` does.

use crate::attempt::{self, Begun};
use crate::breaker::{Breaker, BreakerSettings, BreakerState};
use crate::order::{Facts, Strategy, order};
use crate::retry::{RetryBudget, RetrySettings, is_worth_repeating, is_worth_retrying_here, pause};
use crate::trail::Trail;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_model::{ChatModel, ChatRequest, EventStream};

/// How a route behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteSettings {
    /// Which target comes first.
    pub strategy: Strategy,
    /// Trying one target again.
    pub retry: RetrySettings,
    /// When the first target gives no content for so many milliseconds, the second is asked too, and
    /// the faster one wins. None: never. It costs tokens twice.
    pub hedge_ms: Option<u64>,
    /// A target without content after so many milliseconds has failed. None: its own time-outs decide.
    pub first_content_ms: Option<u64>,
}

/// One model that may answer, with its health. Routes share it.
pub struct Target {
    pub(crate) provider: Arc<str>,
    pub(crate) model: Arc<dyn ChatModel>,
    weight: u32,
    price: f64,
    pub(crate) breaker: Breaker,
    pub(crate) open: AtomicUsize,
}

/// A target's health, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetState {
    /// Which provider.
    pub provider: Arc<str>,
    /// Which model.
    pub model: ModelName,
    /// Does its breaker let calls through?
    pub breaker: BreakerState,
    /// Calls that it answers now.
    pub open: usize,
}

impl Target {
    /// A model of a provider, of weight 1 and no price.
    pub fn new(provider: impl Into<Arc<str>>, model: Arc<dyn ChatModel>, breaker: BreakerSettings) -> Self {
        Self {
            provider: provider.into(),
            model,
            weight: 1,
            price: 0.0,
            breaker: Breaker::new(breaker),
            open: AtomicUsize::new(0),
        }
    }

    /// With another share of the calls; 0: only as a fallback.
    pub fn weighing(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// With a price, in any measure that the route's other targets use too.
    pub fn costing(mut self, price: f64) -> Self {
        self.price = price;
        self
    }

    /// The model.
    pub fn model(&self) -> &Arc<dyn ChatModel> {
        &self.model
    }

    /// Its health now.
    pub fn state(&self) -> TargetState {
        TargetState {
            provider: Arc::clone(&self.provider),
            model: self.model.name().clone(),
            breaker: self.breaker.state(),
            open: self.open.load(Ordering::Relaxed),
        }
    }
}

/// Where a call goes.
pub struct Route {
    name: ModelName,
    settings: RouteSettings,
    targets: Vec<Arc<Target>>,
    last_resort: Option<Arc<Target>>,
    budget: RetryBudget,
}

impl Route {
    /// Of these targets. `InvalidConfig` when there are none.
    pub fn new(
        name: ModelName,
        settings: RouteSettings,
        targets: Vec<Arc<Target>>,
        last_resort: Option<Arc<Target>>,
    ) -> Result<Self> {
        if targets.is_empty() {
            let message = format!("The route '{name}' has no target: give it at least one model.");
            return Err(Error::new(ErrorCode::InvalidConfig, message));
        }
        let budget = RetryBudget::new(settings.retry.share);
        Ok(Self { name, settings, targets, last_resort, budget })
    }

    /// One model alone, asked once: for models that run here.
    pub fn single(model: Arc<dyn ChatModel>) -> Self {
        let name = model.name().clone();
        // A local model that fails is restarted by its supervisor: leaving it alone helps nobody.
        let breaker = BreakerSettings { failures: u32::MAX, calls: u32::MAX, ..BreakerSettings::default() };
        let retry = RetrySettings { more: 0, ..RetrySettings::default() };
        let settings = RouteSettings { retry, ..RouteSettings::default() };
        let targets = vec![Arc::new(Target::new("local", model, breaker))];
        Self { name, settings, targets, last_resort: None, budget: RetryBudget::new(0.0) }
    }

    /// Its name.
    pub fn name(&self) -> &ModelName {
        &self.name
    }

    /// The targets in the order in which they were written, the last resort at the end.
    pub fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.targets.iter().chain(&self.last_resort)
    }

    /// The model that decides how long a prompt may be and how its tokens are counted: the first.
    pub fn first(&self) -> &Arc<dyn ChatModel> {
        &self.targets[0].model
    }

    /// Begins an answer: targets are tried until one gives content. What happens after that is the
    /// caller's: an answer that has begun cannot be begun again elsewhere.
    pub async fn generate(&self, request: &ChatRequest, trail: &Trail) -> Result<EventStream> {
        self.budget.earn();
        let facts = |target: &Arc<Target>| Facts {
            weight: target.weight,
            open: target.open.load(Ordering::Relaxed),
            price: target.price,
        };
        let order = if self.targets.len() == 1 {
            vec![0]
        } else {
            order(self.settings.strategy, &self.targets.iter().map(facts).collect::<Vec<_>>())
        };
        let mut first_error = None;
        let mut order = order.into_iter().map(|index| &self.targets[index]).peekable();
        while let Some(target) = order.next() {
            let spare = order.peek().copied();
            let begun = match (self.settings.hedge_ms, spare) {
                (Some(wait), Some(spare)) => Box::pin(self.hedged(target, spare, wait, request, trail)).await,
                _ => self.ask(target, request, trail).await,
            };
            match begun {
                Ok(events) => return Ok(events),
                Err(error) if is_worth_repeating(&error) => first_error = first_error.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        if let Some(target) = &self.last_resort {
            match attempt::begin(target, request, None, trail, true).await {
                Begun::Answer(events) => return Ok(events),
                Begun::Failed(error) => first_error = first_error.or(Some(error)),
                Begun::Resting => {}
            }
        }
        Err(first_error.map_or_else(|| self.resting(), presentable))
    }

    /// Asks one target, again if that may help.
    async fn ask(&self, target: &Arc<Target>, request: &ChatRequest, trail: &Trail) -> Result<EventStream> {
        let wait = self.settings.first_content_ms.map(Duration::from_millis);
        let mut retry = 0;
        loop {
            let error = match attempt::begin(target, request, wait, trail, false).await {
                Begun::Answer(events) => return Ok(events),
                Begun::Resting => return Err(self.resting()),
                Begun::Failed(error) => error,
            };
            if retry >= self.settings.retry.more || !is_worth_retrying_here(&error) {
                return Err(error);
            }
            let Some(pause) = pause(&self.settings.retry, retry, &error) else { return Err(error) };
            if !self.budget.spend() {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            retry += 1;
        }
    }

    /// Asks one target, and when it is slow another one too; the first content wins.
    async fn hedged(
        &self,
        target: &Arc<Target>,
        spare: &Arc<Target>,
        wait_ms: u64,
        request: &ChatRequest,
        trail: &Trail,
    ) -> Result<EventStream> {
        let first = self.ask(target, request, trail);
        tokio::pin!(first);
        let slow = tokio::time::sleep(Duration::from_millis(wait_ms));
        tokio::select! {
            begun = &mut first => return begun,
            () = slow => {}
        }
        let second = self.ask(spare, request, trail);
        tokio::pin!(second);
        tokio::select! {
            begun = &mut first => match begun {
                Err(error) if is_worth_repeating(&error) => second.await,
                begun => begun,
            },
            begun = &mut second => match begun {
                Err(_) => first.await,
                begun => begun,
            },
        }
    }

    fn resting(&self) -> Error {
        let message = format!("No provider of '{}' can be reached at the moment; try again shortly.", self.name);
        Error::new(ErrorCode::Overloaded, message).retry_after(Duration::from_secs(5))
    }
}

/// A provider's trouble with our account is not the caller's: their key and their model are fine.
fn presentable(error: Error) -> Error {
    match error.code() {
        ErrorCode::InvalidApiKey | ErrorCode::PermissionDenied | ErrorCode::BudgetExceeded | ErrorCode::NotFound => {
            tracing::error!(code = error.code().as_str(), %error, "a provider refuses this installation");
            let message =
                "The provider refuses this installation's calls; its administrator finds the reason in the log.";
            Error::new(ErrorCode::ProviderFailed, message)
        }
        _ => error,
    }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
