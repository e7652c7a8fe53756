//! What a server does beside answering: reads a changed configuration, watches the processor, writes
//! down usage, draws budgets ahead, and ends what the retention policy ends.
//!
//! It does not know how any of it is done.

use crate::assembly::{Assembly, Governed};
use crate::cli::Global;
use crate::config::{self, Config};
use crate::governance;
use crate::memory::Memory;
use crate::models::Models;
use crate::secrets::{self, StoredKeys};
use crate::watch::Gauges;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::task::JoinHandle;
use tokio::time::interval;
use yizhan_admission::{CpuMeter, Ladder, Step};
use yizhan_audit::{Kind, Outcome, Record, Retention};
use yizhan_domain::{CallId, Error, Result};
use yizhan_gateway::{Gateway, Reviews};
use yizhan_server::admin::time::now_ms;
use yizhan_telemetry::Tracer;
use yizhan_vault::Vault;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often the processor is measured: five times within the second in which a jump must show.
const MEASURE: Duration = Duration::from_millis(200);
/// How often usage is written down.
const FLUSH: Duration = Duration::from_secs(5);
/// How often it is looked for what the retention policy ends.
const RETAIN: Duration = Duration::from_secs(3600);
/// How often it is looked for reviews whose time is over.
const TIDY: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 86_400_000;

/// Starts all of it. The tasks end when they are aborted.
pub(crate) fn start(
    global: &Global,
    assembly: &Assembly,
    governed: &Arc<Governed>,
    tracer: Option<Tracer>,
    config: Config,
) -> Vec<JoinHandle<()>> {
    let gateway = &governed.gateway;
    let mut tasks = vec![tokio::spawn(count(Arc::clone(governed)))];
    let limits = governed.limits.clone();
    tasks.push(tokio::spawn(async move { limits.run().await }));
    let memory = governed.memory.clone();
    tasks.push(tokio::spawn(async move { memory.run().await }));
    let ladder = config.degradation.enabled.then(|| Ladder::new(config.degradation.cpu));
    tasks.push(tokio::spawn(measure(Arc::clone(governed), ladder)));
    if config.audit.keep_days.is_some() || config.audit.keep_payload_days.is_some() {
        tasks.push(tokio::spawn(retain(Arc::clone(gateway), config.audit.keep_days, config.audit.keep_payload_days)));
    }
    if let Some(reviews) = gateway.reviews() {
        tasks.push(tokio::spawn(tidy(reviews.clone())));
    }
    governed.gauges.configured(now_s(), true);
    let reloader = Reloader {
        global: global.clone(),
        models: Arc::clone(&assembly.models),
        gateway: Arc::clone(gateway),
        gauges: Arc::clone(&governed.gauges),
        tracer,
        vault: Arc::clone(&governed.vault),
        memory: governed.memory.clone(),
    };
    tasks.push(tokio::spawn(reloader.watch(config)));
    tasks
}

async fn count(governed: Arc<Governed>) {
    let mut every = interval(FLUSH);
    loop {
        every.tick().await;
        if let Err(error) = governed.meter.flush().await {
            tracing::error!(%error, "usage could not be written down; it is tried again");
        }
        let kept = async {
            governed.gateway.access().note_uses().await?;
            governed.limits.give_back_idle().await
        };
        if let Err(error) = kept.await {
            tracing::error!(%error, "keys' uses or budgets could not be written down");
        }
    }
}

/// Measures the processor, and takes steps where there is a ladder.
async fn measure(governed: Arc<Governed>, mut ladder: Option<Ladder>) {
    let (mut meter, began, gateway) = (CpuMeter::new(), Instant::now(), &governed.gateway);
    let mut every = interval(MEASURE);
    loop {
        every.tick().await;
        let busy = meter.measure();
        governed.gauges.busy(busy);
        let Some(ladder) = &mut ladder else { continue };
        let before = ladder.step();
        if let Some(step) = ladder.observe(busy, began.elapsed()) {
            gateway.set_step(step);
            tracing::warn!(busy, step = step.as_str(), "the step of degradation changed");
            keep(gateway, Kind::Degradation, Outcome::Ok, degraded(before, step, busy)).await;
        }
    }
}

fn degraded(from: Step, to: Step, busy: f64) -> serde_json::Value {
    json!({"from": from.as_str(), "to": to.as_str(), "cpu": (busy * 1000.0).round() / 1000.0})
}

async fn retain(gateway: Arc<Gateway>, days: Option<u32>, payload_days: Option<u32>) {
    let mut every = interval(RETAIN);
    loop {
        every.tick().await;
        let Some(log) = gateway.ledger().log().cloned() else { return };
        let before = |days: Option<u32>| days.map(|days| now_ms().saturating_sub(i64::from(days) * DAY_MS));
        let retention = Retention {
            records_before_ms: before(days),
            payloads_before_ms: before(payload_days),
            policy: "audit.keep_days, audit.keep_payload_days".to_owned(),
        };
        if let Err(error) = log.prune(retention).await {
            tracing::error!(%error, "old audit records could not be deleted");
        }
    }
}

async fn tidy(reviews: Reviews) {
    let mut every = interval(TIDY);
    loop {
        every.tick().await;
        if let Err(error) = reviews.tidy().await {
            tracing::error!(%error, "old reviews could not be deleted; it is tried again");
        }
    }
}

/// Makes a changed configuration count, as a whole or not at all.
struct Reloader {
    global: Global,
    models: Arc<Models>,
    gateway: Arc<Gateway>,
    gauges: Arc<Gauges>,
    tracer: Option<Tracer>,
    vault: Arc<Vault>,
    memory: Memory,
}

impl Reloader {
    async fn watch(self, mut config: Config) {
        let mut seen = self.stamps(&config);
        let mut every = interval(LOOK);
        let mut secrets = self.vault.changes();
        let mut hangups = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok();
        loop {
            let asked = tokio::select! {
                _ = every.tick() => false,
                Some(()) = hangup(&mut hangups) => true,
                Ok(()) = secrets.changed() => true,
            };
            let now = self.stamps(&config);
            if now == seen && !asked {
                continue;
            }
            seen = now;
            match self.reload().await {
                Ok(new) => {
                    tracing::info!("the changed configuration counts from now on");
                    seen = self.stamps(&new);
                    config = new;
                    self.gauges.configured(now_s(), true);
                    keep(&self.gateway, Kind::Config, Outcome::Ok, json!({"loaded": true})).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the changed configuration is not used; the last good one stays");
                    self.gauges.configured(now_s(), false);
                    let why = json!({"loaded": false, "why": error.message()});
                    keep(&self.gateway, Kind::Config, Outcome::Refused(error.code().into()), why).await;
                }
            }
        }
    }

    async fn reload(&self) -> Result<Config> {
        let (global, models) = (self.global.clone(), Arc::clone(&self.models));
        let memory = self.memory.keeping(self.gateway.policy().cache.clone());
        // Files are read and rules compiled: not work for the threads that answer.
        let (vault, runtime) = (Arc::clone(&self.vault), tokio::runtime::Handle::current());
        let built = tokio::task::spawn_blocking(move || {
            let config = config::load(&global)?;
            let stored = runtime.block_on(StoredKeys::read(&config, &vault))?;
            let providers = governance::providers(&config, &stored)?;
            let policy = governance::policy(&config, &providers, &models, global.chat_model.as_deref(), &memory)?;
            let tenants = governance::tenants(&config)?;
            Ok::<_, Error>((config, providers, policy, tenants))
        });
        let (config, providers, policy, tenants) =
            built.await.map_err(|cause| Error::internal(cause.to_string()))??;
        let access = self.gateway.access();
        access.reconcile(&tenants).await?;
        access.set_limits(config.limits.clone())?;
        let providers = self.models.set_providers(providers);
        if let Some(tracer) = &self.tracer {
            crate::traces::know(tracer, &providers);
        }
        self.vault.need(secrets::needed(&config));
        self.gateway.set_policy(policy);
        if let Some(reviews) = self.gateway.reviews() {
            reviews.set_settings(config.review);
        }
        Ok(config)
    }

    /// When the files that count were last changed.
    fn stamps(&self, config: &Config) -> Vec<(PathBuf, Option<SystemTime>)> {
        let mut files = config.files();
        files.push(config::config_path(&self.global));
        let stamp = |path: PathBuf| {
            let modified = path.metadata().and_then(|metadata| metadata.modified()).ok();
            (path, modified)
        };
        files.into_iter().map(stamp).collect()
    }
}

async fn hangup(hangups: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match hangups {
        Some(hangups) => hangups.recv().await,
        None => std::future::pending().await,
    }
}

async fn keep(gateway: &Gateway, kind: Kind, outcome: Outcome, what: serde_json::Value) {
    let mut record = Record::new(CallId::random(), now_ms(), kind);
    record.outcome = outcome;
    if let serde_json::Value::Object(fields) = what {
        record.extra = fields;
    }
    if let Err(error) = gateway.ledger().keep(record).await {
        tracing::error!(%error, "an act of governance could not be recorded");
    }
}

fn now_s() -> u64 {
    u64::try_from(now_ms() / 1000).unwrap_or(0)
}
