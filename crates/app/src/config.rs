//! `yizhan.toml`: what an installation decides, checked as a whole before any of it counts.
//!
//! It does not know what the decisions do: `governance` builds it. Every field is described in
//! `reference.toml`, which `yizhan config reference` prints and a test holds to this module.

use crate::cli::Global;
use crate::traces::TelemetryConfig;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use yizhan_access::{DeclaredTenant, IssuerSettings, LimitSettings};
use yizhan_admission::{LadderSettings, QueueSettings};
use yizhan_audit::Capture;
use yizhan_cache::Settings as CacheSettings;
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_gateway::{OnAuditFailure, ReviewSettings};
use yizhan_provider::ProviderConfig;
use yizhan_redis::RedisSettings;
use yizhan_routing::{BreakerSettings, RetrySettings, Strategy};

/// The whole reference, as `yizhan config reference` prints it.
pub(crate) const REFERENCE: &str = include_str!("reference.toml");

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) server: Server,
    pub(crate) chat: Chat,
    pub(crate) providers: Vec<ProviderConfig>,
    pub(crate) routes: Vec<RouteConfig>,
    pub(crate) tenants: Vec<DeclaredTenant>,
    pub(crate) oidc: Vec<IssuerSettings>,
    pub(crate) limits: LimitSettings,
    pub(crate) redis: Option<RedisSettings>,
    pub(crate) rules: Rules,
    pub(crate) review: ReviewSettings,
    pub(crate) prices: Prices,
    pub(crate) audit: Audit,
    pub(crate) secrets: Secrets,
    pub(crate) cache: CacheSettings,
    pub(crate) queue: QueueSettings,
    pub(crate) degradation: DegradationConfig,
    pub(crate) telemetry: TelemetryConfig,
}

/// `[server]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) cors_origins: Vec<String>,
    pub(crate) body_mib: Option<usize>,
    pub(crate) drain_s: Option<u64>,
    pub(crate) threads: Option<std::num::NonZeroUsize>,
    pub(crate) tls: Option<Tls>,
}

/// `[server.tls]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    #[serde(default)]
    pub(crate) client_ca: Option<PathBuf>,
}

/// `[chat]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Chat {
    pub(crate) default: Option<ModelName>,
    pub(crate) last_resort: Option<ModelName>,
}

/// `[[routes]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteConfig {
    pub(crate) name: ModelName,
    pub(crate) targets: Vec<TargetConfig>,
    #[serde(default)]
    pub(crate) strategy: Strategy,
    #[serde(default)]
    pub(crate) last_resort: Option<ModelName>,
    #[serde(default)]
    pub(crate) retry: RetrySettings,
    #[serde(default)]
    pub(crate) breaker: BreakerSettings,
    #[serde(default)]
    pub(crate) hedge_ms: Option<u64>,
    #[serde(default)]
    pub(crate) first_content_ms: Option<u64>,
}

/// One of a route's targets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetConfig {
    pub(crate) model: ModelName,
    #[serde(default = "one")]
    pub(crate) weight: u32,
}

fn one() -> u32 {
    1
}

/// `[rules]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rules {
    pub(crate) packs: Vec<String>,
    pub(crate) files: Vec<PathBuf>,
}

/// `[prices]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Prices {
    pub(crate) file: Option<PathBuf>,
}

/// `[audit]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Audit {
    pub(crate) key: Option<PathBuf>,
    pub(crate) payload: Capture,
    pub(crate) on_failure: OnAuditFailure,
    pub(crate) segment_mib: u64,
    pub(crate) keep_days: Option<u32>,
    pub(crate) keep_payload_days: Option<u32>,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            key: None,
            payload: Capture::default(),
            on_failure: OnAuditFailure::default(),
            segment_mib: 64,
            keep_days: None,
            keep_payload_days: None,
        }
    }
}

/// `[secrets]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Secrets {
    pub(crate) key: Option<PathBuf>,
}

/// `[degradation]`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DegradationConfig {
    pub(crate) enabled: bool,
    pub(crate) cpu: LadderSettings,
    pub(crate) short_answer: Option<u32>,
    pub(crate) longest_answer: Option<u32>,
    pub(crate) cheaper: Option<ModelName>,
}

/// Where the configuration is, whether it is there or not.
pub(crate) fn config_path(global: &Global) -> PathBuf {
    global.config.clone().unwrap_or_else(|| crate::data::data_folder(global).join("yizhan.toml"))
}

/// The configuration; the defaults where there is no file and none was named.
pub(crate) fn load(global: &Global) -> Result<Config> {
    let path = config_path(global);
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text, &path),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && global.config.is_none() => Ok(Config::default()),
        Err(cause) => Err(wrong(&path, format!("cannot be read: {cause}"))),
    }
}

/// Where the audit log's secret is. Also when the rest of the configuration is wrong: whoever looks for the
/// reason must be able to read the log.
pub(crate) fn audit_key(global: &Global) -> PathBuf {
    let path = config_path(global);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let named = table.get("audit").and_then(|audit| audit.get("key")).and_then(|key| key.as_str());
    match named {
        Some(key) => path.parent().unwrap_or(Path::new(".")).join(key),
        None => crate::data::data_folder(global).join("audit.key"),
    }
}

/// Reads a configuration. Errors name file, line and column. Paths in it are relative to its folder.
pub(crate) fn parse(text: &str, path: &Path) -> Result<Config> {
    let mut config: Config =
        toml::from_str(text).map_err(|cause| wrong(path, cause.to_string().trim_end().to_owned()))?;
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    let settle = |path: &mut PathBuf| *path = folder.join(&*path);
    config.rules.files.iter_mut().for_each(settle);
    config.prices.file.iter_mut().for_each(settle);
    config.audit.key.iter_mut().for_each(settle);
    config.telemetry.ca_file.iter_mut().for_each(settle);
    config.secrets.key.iter_mut().for_each(settle);
    if let Some(tls) = &mut config.server.tls {
        [&mut tls.cert, &mut tls.key].into_iter().chain(&mut tls.client_ca).for_each(settle);
    }
    config.limits.check().map_err(|error| error.context(path.display()))?;
    config.telemetry.check().map_err(|error| error.context(path.display()))?;
    config.review.check().map_err(|error| error.context(path.display()))?;
    config.cache.check().map_err(|error| error.context(path.display()))?;
    if config.cache.shared.enabled && config.redis.is_none() {
        return Err(wrong(path, "cache.shared.enabled needs [redis], where the answers are kept.".to_owned()));
    }
    config.redis.iter().try_for_each(RedisSettings::check).map_err(|error| error.context(path.display()))?;
    Ok(config)
}

fn wrong(path: &Path, what: String) -> Error {
    Error::new(ErrorCode::InvalidConfig, format!("{}: {what}", path.display()))
}

impl Config {
    /// The files besides the configuration itself whose change counts at once.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.rules.files.iter().chain(&self.prices.file).cloned().collect()
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
