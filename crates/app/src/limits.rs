//! Where limits are held: in this process, or in Redis for replicas.
//!
//! It does not know what is limited.

use crate::config::Config;
use std::sync::Arc;
use std::time::Duration;
use yizhan_access::{Limiter, MemoryLimiter};
use yizhan_domain::Result;
use yizhan_redis::RedisLimiter;
use yizhan_store::BudgetStore;

/// What is still to be told to Redis at the end gets so long.
const FAREWELL: Duration = Duration::from_secs(2);

/// The limiter of an installation.
#[derive(Clone)]
pub(crate) enum Limits {
    /// In memory, with money drawn from the store.
    Here(MemoryLimiter),
    /// In Redis.
    Shared(RedisLimiter),
}

impl Limits {
    /// As the configuration says. Redis need not be there yet: until it is, calls go as `on_failure` says.
    pub(crate) async fn open(config: &Config, budgets: Arc<dyn BudgetStore>) -> Result<Self> {
        let offset = config.limits.utc_offset;
        let Some(redis) = &config.redis else { return Ok(Self::Here(MemoryLimiter::new(Some(budgets), offset))) };
        // This process's own store knows its own share only: replicas' money is what Redis says.
        let limiter = RedisLimiter::new(redis.clone(), offset, None)?;
        if let Err(error) = limiter.connect().await {
            tracing::warn!(%error, "Redis does not answer yet; limits are held once it does");
        }
        Ok(Self::Shared(limiter))
    }

    /// As the trait that `access` takes.
    pub(crate) fn limiter(&self) -> Arc<dyn Limiter> {
        match self {
            Self::Here(limiter) => Arc::new(limiter.clone()),
            Self::Shared(limiter) => Arc::new(limiter.clone()),
        }
    }

    /// What goes on beside the calls; never returns.
    pub(crate) async fn run(&self) {
        match self {
            Self::Here(limiter) => limiter.run().await,
            Self::Shared(limiter) => limiter.run().await,
        }
    }

    /// Now and then: lets others have what is not used here.
    pub(crate) async fn give_back_idle(&self) -> Result<()> {
        match self {
            Self::Here(limiter) => limiter.give_back_idle().await,
            Self::Shared(_) => Ok(()),
        }
    }

    /// At the end.
    pub(crate) async fn close(&self) -> Result<()> {
        match self {
            Self::Here(limiter) => limiter.give_back_all().await,
            Self::Shared(limiter) => limiter.finish(FAREWELL).await,
        }
    }
}
