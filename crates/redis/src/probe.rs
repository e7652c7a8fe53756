//! One look at Redis: is it there, which one, how far, and by what clock?
//!
//! It keeps nothing, and knows no limits.

use crate::RedisSettings;
use redis::{Client, RedisError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;
use yizhan_domain::{Error, ErrorCode, Result};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of so many round trips the shortest counts.
const ROUNDS: usize = 5;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its version, such as `7.2.4`.
    pub version: String,
    /// The shortest round trip.
    pub latency: Duration,
    /// By how much its clock is ahead of this machine's, milliseconds; half a round trip may be wrong.
    pub ahead_ms: i64,
}

/// Asks Redis. `Io` with the address, and never a password, when it does not answer.
pub async fn probe(settings: &RedisSettings) -> Result<Probe> {
    settings.check()?;
    let client =
        Client::open(settings.url.as_str()).map_err(|cause| Error::new(ErrorCode::InvalidConfig, cause.to_string()))?;
    let address = client.get_connection_info().addr().to_string();
    let failed = |what: String| Error::new(ErrorCode::Io, format!("Redis at {address} cannot be used: {what}."));
    match timeout(PATIENCE, ask(&client)).await {
        Ok(asked) => asked.map_err(|cause| failed(cause.to_string())),
        Err(_) => Err(failed(format!("it does not answer within {} s", PATIENCE.as_secs()))),
    }
}

async fn ask(client: &Client) -> std::result::Result<Probe, RedisError> {
    let mut connection = client.get_multiplexed_async_connection().await?;
    let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("unknown");
    let (mut latency, mut ahead_ms) = (Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let (began, before) = (Instant::now(), now_micros());
        let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut connection).await?;
        let took = began.elapsed();
        if took < latency {
            latency = took;
            let middle = before + i64::try_from(took.as_micros() / 2).unwrap_or(0);
            ahead_ms = (seconds.saturating_mul(1_000_000).saturating_add(micros).saturating_sub(middle)) / 1000;
        }
    }
    Ok(Probe { version: version.trim().to_owned(), latency, ahead_ms })
}

fn now_micros() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}
