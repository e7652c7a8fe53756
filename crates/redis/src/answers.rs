//! Answers that several servers share, in Redis: at most so many bytes, each with its time.
//!
//! It does not know what an answer is. It has a connection of its own, so that large answers never
//! stand before the limits' short steps.

use crate::counters::Warner;
use crate::link::Link;
use crate::settings::RedisSettings;
use async_trait::async_trait;
use redis::{Cmd, Value};
use std::sync::Arc;
use std::time::Duration;
use yizhan_cache::{Key, SharedStore};
use yizhan_domain::{Error, Result};

/// Sent whole each time: an answer that is kept cost a model far more.
const SCRIPT: &str = include_str!("answers.lua");

/// Redis counts milliseconds in 63 bits; nobody keeps anything for longer than a year.
const LONGEST_LIFE: Duration = Duration::from_secs(365 * 86_400);

/// The shared answers. Clones share one connection.
///
/// **[`RedisAnswers::run`] has to be spawned**: it keeps the connection. While there is none, everything fails
/// at once, which whoever asks takes for a miss.
#[derive(Clone)]
pub struct RedisAnswers(Arc<Inner>);

struct Inner {
    link: Link,
    prefix: String,
    most_bytes: usize,
    warner: Warner,
}

impl RedisAnswers {
    /// With room for so many bytes, of all replicas together. Nothing is sent yet. `InvalidConfig` when the
    /// settings make no sense.
    pub fn new(settings: &RedisSettings, most_bytes: usize) -> Result<Self> {
        settings.check()?;
        let link = Link::new(&settings.url, settings.timeout())?;
        // One hash tag: on a cluster all of it is in one place, as the script needs.
        let prefix = format!("{}{{answers}}:", settings.prefix);
        Ok(Self(Arc::new(Inner { link, prefix, most_bytes, warner: Warner::default() })))
    }

    /// Makes the connection now, where there is none.
    pub async fn connect(&self) -> Result<()> {
        self.0.link.connect().await
    }

    /// Keeps the connection; never returns.
    pub async fn run(&self) {
        self.0.link.run().await;
    }

    fn key(&self, end: impl std::fmt::Display) -> String {
        format!("{}{end}", self.0.prefix)
    }

    async fn send(&self, command: Cmd) -> Result<Value> {
        let link = &self.0.link;
        let sent = link.send(&[&command]).await.and_then(|values| {
            let mut values = values.ok_or_else(|| link.away())?;
            values.pop().unwrap_or_else(|| Err(Error::internal("Redis gave no answer to a command.")))
        });
        if let Err(error) = &sent
            && self.0.warner.is_due()
        {
            tracing::warn!(%error, "the cache that servers share is away; answers are made anew");
        }
        sent
    }
}

#[async_trait]
impl SharedStore for RedisAnswers {
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        let mut command = redis::cmd("GET");
        command.arg(self.key(key));
        match self.send(command).await? {
            Value::BulkString(bytes) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }

    async fn put(&self, key: &Key, bytes: Vec<u8>, lives: Duration) -> Result<()> {
        let lives = u64::try_from(lives.min(LONGEST_LIFE).as_millis()).unwrap_or(u64::MAX).max(1);
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(3).arg(self.key(key)).arg(self.key("when")).arg(self.key("sizes"));
        command.arg(bytes).arg(lives).arg(self.0.most_bytes);
        self.send(command).await.map(drop)
    }
}
