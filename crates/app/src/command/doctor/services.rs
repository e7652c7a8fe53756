//! What an installation needs of others: Redis, providers, issuers of tokens.
//!
//! Redis is asked always, as every call needs it; providers and issuers, who are outside, only on demand.

use super::installation::vault;
use super::{Finding, Level};
use crate::assembly::Web;
use crate::config::Config;
use crate::governance;
use crate::secrets::{self, StoredKeys};
use futures_util::future::join_all;
use std::path::Path;
use std::time::{Duration, Instant};
use yizhan_access::{IssuerSettings, discover};
use yizhan_domain::{Error, Result};
use yizhan_provider::{Probed, Provider};
use yizhan_redis::{RedisSettings, probe};

/// Clocks that differ by more than this are told of, milliseconds.
const MOST_SKEW_MS: i64 = 1000;
/// The oldest version of Redis that limits are tried on.
const LEAST_REDIS: u32 = 7;

/// Redis, where it is configured.
pub(super) async fn redis(settings: Option<&RedisSettings>) -> Vec<Finding> {
    let Some(settings) = settings else { return Vec::new() };
    let found = match probe(settings).await {
        Ok(found) => found,
        Err(error) => {
            let advice = "Start it, or correct [redis] url. Until then calls are treated as `limits.on_failure` says.";
            return vec![Finding::not_ok("redis", Level::Fail, error.message(), advice)];
        }
    };
    let major = found.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let shown = format!("version {}, {:.1} ms", found.version, found.latency.as_secs_f64() * 1000.0);
    let mut findings = vec![if major.is_some_and(|major| major < LEAST_REDIS) {
        Finding::not_ok("redis", Level::Warn, shown, format!("Limits are tried with Redis {LEAST_REDIS}: upgrade."))
    } else if found.latency > Duration::from_millis(settings.timeout_ms) / 2 {
        let advice = "Every call waits for it: bring it nearer, or raise [redis] timeout_ms.";
        Finding::not_ok("redis", Level::Warn, shown, advice)
    } else {
        Finding::ok("redis", shown)
    }];
    if found.ahead_ms.abs() > MOST_SKEW_MS {
        let message = format!("Redis's clock differs from this machine's by {} ms", found.ahead_ms);
        let advice = "Run chrony or systemd-timesyncd on both: limits go by its clock, budgets' periods by both.";
        findings.push(Finding::not_ok("clock", Level::Warn, message, advice));
    }
    findings
}

/// Every provider: can it be reached, does it take the key?
pub(super) async fn providers(config: &Config, data: &Path, is_online: bool) -> Vec<Finding> {
    if config.providers.is_empty() {
        return Vec::new();
    }
    if !is_online {
        let names: Vec<&str> = config.providers.iter().map(|provider| provider.name.as_str()).collect();
        return vec![Finding::ok("providers", format!("{} not asked; --online asks them", names.join(", ")))];
    }
    match made(config, data).await {
        Ok(providers) => join_all(providers.iter().map(provider)).await,
        Err(error) => vec![Finding::not_ok("providers", Level::Fail, error.message(), "Mend the configuration first.")],
    }
}

async fn made(config: &Config, data: &Path) -> Result<Vec<Provider>> {
    let stored = match vault(config, data)? {
        Some(vault) => StoredKeys::read(config, &vault).await?,
        None => match secrets::needed(config).keys().next() {
            Some(name) => return Err(Error::not_found("secret", name)),
            None => StoredKeys::default(),
        },
    };
    governance::providers(config, &stored)
}

async fn provider(provider: &Provider) -> Finding {
    let (name, began) = (provider.name(), Instant::now());
    let probed = provider.probe().await;
    let ms = began.elapsed().as_millis();
    match probed {
        Ok(Probed::Accepted) => Finding::ok("provider", format!("{name} answers, {ms} ms")),
        Ok(Probed::NoList) => {
            Finding::ok("provider", format!("{name} answers, {ms} ms; it has no list of models to try the key with"))
        }
        Err(error) => {
            let advice = format!("Look at providers.{name}: base_url, key, ca_file; and at firewalls on the way.");
            Finding::not_ok("provider", Level::Fail, error.message(), advice)
        }
    }
}

/// Every issuer: does it describe itself, and give its keys?
pub(super) async fn issuers(issuers: &[IssuerSettings], is_online: bool) -> Vec<Finding> {
    if !is_online {
        return Vec::new();
    }
    join_all(issuers.iter().map(async |settings| {
        let issuer = &settings.issuer;
        match discover(settings, &Web).await {
            Ok(keys) => Finding::ok("oidc", format!("{issuer} gives {keys} keys")),
            Err(error) => {
                let advice = "The issuer must be as its own /.well-known/openid-configuration names it, and reachable.";
                Finding::not_ok("oidc", Level::Fail, format!("{issuer}: {}", error.message()), advice)
            }
        }
    }))
    .await
}
