//! From audit records to what Prometheus scrapes, and the gauges of a running server.
//!
//! It does not know names or formats of metrics: `telemetry` does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use yizhan_audit::Record;
use yizhan_gateway::{Gateway, facts};
use yizhan_routing::BreakerState;
use yizhan_server::admin::time::now_ms;
use yizhan_telemetry::{Metrics, Samples, metric};

/// What no record tells.
#[derive(Default)]
pub(crate) struct Gauges {
    /// Bits of the processor's share, 0–1.
    cpu: AtomicU64,
    /// When the configuration in force was loaded, seconds since 1970.
    loaded: AtomicU64,
    /// 1 when the last change of the configuration was refused.
    refused: AtomicU64,
    /// Records in the audit log.
    records: AtomicU64,
    /// When the TLS certificate ends, seconds since 1970; 0 without TLS.
    tls_ends: AtomicU64,
    /// 1 when the last change of the TLS files was refused.
    tls_refused: AtomicU64,
}

impl Gauges {
    /// The processor is this busy, 0–1.
    pub(crate) fn busy(&self, share: f64) {
        self.cpu.store(share.to_bits(), Ordering::Relaxed);
    }

    /// A configuration was loaded, or refused.
    pub(crate) fn configured(&self, now_s: u64, is_good: bool) {
        self.refused.store(u64::from(!is_good), Ordering::Relaxed);
        if is_good {
            self.loaded.store(now_s, Ordering::Relaxed);
        }
    }

    /// The TLS certificate in use ends then, milliseconds since 1970; the last change of its files was good, or not.
    pub(crate) fn tls(&self, ends_ms: i64, is_good: bool) {
        self.tls_ends.store(u64::try_from(ends_ms / 1000).unwrap_or(0), Ordering::Relaxed);
        self.tls_refused.store(u64::from(!is_good), Ordering::Relaxed);
    }

    /// The audit log has grown to so many records.
    pub(crate) fn recorded(&self, sequence: u64) {
        self.records.store(sequence, Ordering::Relaxed);
    }
}

/// Counts a record of a call.
pub(crate) fn observe(metrics: &Metrics, record: &Record) {
    if let Some(facts) = facts(record) {
        metrics.observe(&facts);
    }
}

/// Has the gauges of a gateway asked at every scrape.
pub(crate) fn watch(metrics: &Metrics, gateway: &Arc<Gateway>, gauges: Arc<Gauges>) {
    let gateway = Arc::downgrade(gateway);
    metrics.source(move |samples| {
        if let Some(gateway) = gateway.upgrade() {
            of_gateway(&gateway, samples);
        }
        let read = |value: &AtomicU64| value.load(Ordering::Relaxed);
        samples.set(&metric::CPU_BUSY, [], f64::from_bits(read(&gauges.cpu)));
        samples.set(&metric::CONFIG_LOADED, [], read(&gauges.loaded) as f64);
        samples.set(&metric::CONFIG_OK, [], 1.0 - read(&gauges.refused) as f64);
        if read(&gauges.tls_ends) > 0 {
            samples.set(&metric::TLS_ENDS, [], read(&gauges.tls_ends) as f64);
            samples.set(&metric::TLS_OK, [], 1.0 - read(&gauges.tls_refused) as f64);
        }
        samples.set(&metric::AUDIT_RECORDS, [], read(&gauges.records) as f64);
    });
}

fn of_gateway(gateway: &Gateway, samples: &mut Samples) {
    let (running, waiting, limit) = gateway.queue().state();
    samples.set(&metric::OPEN_CALLS, [], gateway.access().active() as f64);
    samples.set(&metric::QUEUE_RUNNING, [], running as f64);
    samples.set(&metric::QUEUE_WAITING, [], waiting as f64);
    samples.set(&metric::QUEUE_LIMIT, [], limit as f64);
    samples.set(&metric::DEGRADATION_STEP, [], f64::from(gateway.step() as u8));
    let policy = gateway.policy();
    if let Some(cache) = policy.cache.as_ref().filter(|cache| cache.settings().shared.enabled) {
        let counts = cache.statistics();
        samples.set(&metric::CACHE_SHARED, ["hit"], counts.shared_hits as f64);
        samples.set(&metric::CACHE_SHARED, ["miss"], counts.shared_misses as f64);
        samples.set(&metric::CACHE_SHARED, ["failed"], counts.shared_failures as f64);
    }
    for route in policy.routes.values() {
        for state in route.targets().map(|target| target.state()) {
            let level = match state.breaker {
                BreakerState::Closed => 0.0,
                BreakerState::HalfOpen => 1.0,
                BreakerState::Open => 2.0,
            };
            samples.set(&metric::BREAKER_STATE, [&state.provider, state.model.as_str()], level);
        }
    }
    if let Some(reviews) = gateway.reviews() {
        let backlog = reviews.backlog();
        let waited_ms = backlog.oldest_ms.map_or(0, |oldest| now_ms().saturating_sub(oldest).max(0));
        samples.set(&metric::REVIEWS_WAITING, [], backlog.waiting as f64);
        samples.set(&metric::REVIEWS_OLDEST, [], waited_ms as f64 / 1000.0);
    }
    if let Some(log) = gateway.ledger().log() {
        samples.set(&metric::AUDIT_WAITING, [], log.waiting() as f64);
        samples.set(&metric::AUDIT_FAILING, [], f64::from(u8::from(log.failure().is_some())));
    }
}
