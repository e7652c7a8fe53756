//! Where answers are kept that may be given again: the cache so far, and what servers share in Redis.
//!
//! It does not know what is kept.

use crate::config::Config;
use std::sync::Arc;
use yizhan_cache::{Cache, SharedStore};
use yizhan_domain::Result;
use yizhan_redis::RedisAnswers;

/// What a new configuration finds.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    /// The cache so far, which goes on while its settings stay the same.
    pub(crate) kept: Option<Arc<Cache>>,
    /// The answers in Redis, if the configuration wanted them at the start.
    pub(crate) shared: Option<RedisAnswers>,
}

impl Memory {
    /// As the configuration says. Redis need not be there yet: until it is, nothing is found in it.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let settings = &config.cache.shared;
        let Some(redis) = config.redis.as_ref().filter(|_| config.cache.enabled && settings.enabled) else {
            return Ok(Self::default());
        };
        let answers = RedisAnswers::new(redis, settings.max_mib.saturating_mul(1 << 20))?;
        if let Err(error) = answers.connect().await {
            tracing::warn!(%error, "Redis does not answer yet; answers are shared once it does");
        }
        Ok(Self { kept: None, shared: Some(answers) })
    }

    /// The same with the cache that holds now.
    pub(crate) fn keeping(&self, kept: Option<Arc<Cache>>) -> Self {
        Self { kept, shared: self.shared.clone() }
    }

    /// As the trait that the cache takes, where it is to be used.
    pub(crate) fn store(&self, config: &Config) -> Option<Arc<dyn SharedStore>> {
        let shared = self.shared.clone().filter(|_| config.cache.shared.enabled);
        shared.map(|answers| Arc::new(answers) as Arc<dyn SharedStore>)
    }

    /// What goes on beside the calls; never returns.
    pub(crate) async fn run(&self) {
        match &self.shared {
            Some(answers) => answers.run().await,
            None => std::future::pending().await,
        }
    }
}
