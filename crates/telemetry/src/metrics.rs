//! The registry: calls are counted here, and everything is written out for who scrapes.
//!
//! A call costs one look-up by its labels, which leads to all counters that it touches, and then atomic
//! additions. What is rare (errors, fallbacks, findings) costs a look-up each.

use crate::facts::{AttemptFacts, CallFacts, CallOutcome};
use crate::family::{Family, Map};
use crate::histogram::Histogram;
use crate::samples::Samples;
use crate::table::{Metric, metric};
use crate::text::{Format, Number, Writer};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use yizhan_domain::Money;

/// What an installation decides about its metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsOptions {
    /// Tell tenants apart. Without, the label `tenant` is left out.
    pub tenants: bool,
    /// Most series of each metric; those beyond are added up as `other`.
    pub series: usize,
    /// The currency of the price list.
    pub currency: String,
    /// The version that runs.
    pub version: String,
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self { tenants: true, series: 2_000, currency: "CNY".to_owned(), version: String::new() }
    }
}

type Source = Box<dyn Fn(&mut Samples) + Send + Sync>;
type Count = Arc<AtomicU64>;

/// All metrics. Share it in an [`Arc`].
pub struct Metrics {
    options: MetricsOptions,
    families: Families,
    /// By kind, tenant, model, provider, outcome and whether it was streamed.
    touched: Map<6, Touched>,
    sources: RwLock<Vec<Source>>,
}

struct Families {
    requests: Family<6, AtomicU64>,
    errors: Family<2, AtomicU64>,
    seconds: Family<3, Histogram>,
    first_token: Family<2, Histogram>,
    tokens: Family<3, AtomicU64>,
    charge: Family<3, AtomicU64>,
    attempts: Family<3, AtomicU64>,
    fallbacks: Family<2, AtomicU64>,
    limits: Family<1, AtomicU64>,
    findings: Family<3, AtomicU64>,
    cache: Family<1, AtomicU64>,
}

/// What every call of one kind, tenant, model, provider and outcome adds to.
struct Touched {
    requests: Count,
    seconds: Arc<Histogram>,
    first_token: Arc<Histogram>,
    prompt: Count,
    completion: Count,
    cached: Count,
    reasoning: Count,
    charge: Count,
    /// A call that was served at the first attempt, as most are.
    first_attempt: Count,
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

impl Families {
    fn new(most: usize) -> Self {
        Self {
            requests: Family::new(&metric::REQUESTS, most),
            errors: Family::new(&metric::ERRORS, most),
            seconds: Family::new(&metric::REQUEST_SECONDS, most),
            first_token: Family::new(&metric::FIRST_TOKEN_SECONDS, most),
            tokens: Family::new(&metric::TOKENS, most),
            charge: Family::new(&metric::CHARGE, most),
            attempts: Family::new(&metric::ATTEMPTS, most),
            fallbacks: Family::new(&metric::FALLBACKS, most),
            limits: Family::new(&metric::LIMIT_REFUSALS, most),
            findings: Family::new(&metric::RULE_FINDINGS, most),
            cache: Family::new(&metric::CACHE, most),
        }
    }

    fn touched(&self, labels: &[&str; 6], currency: &str) -> Touched {
        let [kind, tenant, model, provider, ..] = *labels;
        let tokens = |direction| self.tokens.get(&[tenant, model, direction]);
        Touched {
            requests: self.requests.get(labels),
            seconds: self.seconds.get(&[kind, model, provider]),
            first_token: self.first_token.get(&[model, provider]),
            prompt: tokens("prompt"),
            completion: tokens("completion"),
            cached: tokens("cached"),
            reasoning: tokens("reasoning"),
            charge: self.charge.get(&[tenant, model, currency]),
            first_attempt: self.attempts.get(&[provider, model, "ok"]),
        }
    }

    /// What few calls have.
    fn observe_rare(&self, call: &CallFacts<'_>, model: &str) {
        if !call.code.is_empty() {
            add(&self.errors.get(&[call.kind.as_str(), call.code]), 1);
        }
        if call.fallback {
            add(&self.fallbacks.get(&[call.provider, model]), 1);
        }
        if let Some(limit) = limit(call) {
            add(&self.limits.get(&[limit]), 1);
        }
        for found in &call.findings {
            let side = if found.output { "output" } else { "input" };
            add(&self.findings.get(&[found.rule, found.action, side]), u64::from(found.count));
        }
        if !call.cache.is_empty() {
            add(&self.cache.get(&[call.cache]), 1);
        }
    }

    fn observe_attempts(&self, attempts: &[AttemptFacts<'_>]) {
        for attempt in attempts {
            let outcome = if attempt.error.is_empty() { "ok" } else { attempt.error };
            add(&self.attempts.get(&[attempt.provider, attempt.model, outcome]), 1);
        }
    }
}

/// The limit that a call ran into.
fn limit<'a>(call: &CallFacts<'a>) -> Option<&'a str> {
    let is_limited = matches!(call.outcome, CallOutcome::Refused | CallOutcome::CutOff);
    match call.code {
        _ if !is_limited => None,
        _ if !call.limit.is_empty() => Some(call.limit),
        "rate_limit_exceeded" => Some("rate"),
        "insufficient_quota" => Some("budget"),
        "overloaded" => Some("load"),
        _ if call.outcome == CallOutcome::CutOff => Some("budget"),
        _ => None,
    }
}

/// The model's name in labels: who served, else what was asked for, unless that may be anything at all.
fn model<'a>(call: &CallFacts<'a>) -> &'a str {
    match (call.served, call.code) {
        ("", "model_not_found" | "invalid_api_key" | "permission_denied" | "invalid_request") => "unknown",
        ("", _) => call.model,
        (served, _) => served,
    }
}

impl Metrics {
    /// An empty registry, which already tells of its build and its process.
    pub fn new(options: MetricsOptions) -> Self {
        let families = Families::new(options.series.max(1));
        let version = options.version.clone();
        let metrics = Self { options, families, touched: Map::new(), sources: RwLock::default() };
        metrics.source(move |samples| samples.set(&metric::BUILD, [&version], 1.0));
        metrics.source(crate::process::process_samples);
        metrics
    }

    /// Has `source` asked at every scrape. It must not wait: whatever it needs is in memory.
    pub fn source(&self, source: impl Fn(&mut Samples) + Send + Sync + 'static) {
        self.sources.write().push(Box::new(source));
    }

    /// Counts a call that ended.
    pub fn observe(&self, call: &CallFacts<'_>) {
        let model = model(call);
        let tenant = if self.options.tenants { call.tenant } else { "" };
        let streamed = if call.streamed { "true" } else { "false" };
        let labels = [call.kind.as_str(), tenant, model, call.provider, call.outcome.as_str(), streamed];
        let touched = self.touched(&labels);
        add(&touched.requests, 1);
        touched.seconds.observe(call.total_ms);
        if let Some(ms) = call.first_token_ms {
            touched.first_token.observe(ms);
        }
        add(&touched.prompt, u64::from(call.usage.prompt_tokens));
        add(&touched.completion, u64::from(call.usage.completion_tokens));
        add(&touched.cached, u64::from(call.usage.cached_tokens));
        add(&touched.reasoning, u64::from(call.usage.reasoning_tokens));
        add(&touched.charge, call.charge.map_or(0, |charge| u64::try_from(charge.0).unwrap_or(0)));
        match call.attempts.as_slice() {
            [one] if one.error.is_empty() && one.provider == call.provider && one.model == model => {
                add(&touched.first_attempt, 1);
            }
            attempts => self.families.observe_attempts(attempts),
        }
        self.families.observe_rare(call, model);
    }

    fn touched(&self, labels: &[&str; 6]) -> Arc<Touched> {
        if let Some(touched) = self.touched.find(labels) {
            return touched;
        }
        let make = || Arc::new(self.families.touched(labels, &self.options.currency));
        // Beyond the most series the way is longer, and leads to the same numbers.
        if self.touched.len() >= self.options.series { make() } else { self.touched.insert(labels, make) }
    }

    /// Everything, for who scrapes.
    pub fn render(&self, format: Format) -> String {
        let mut samples = Samples::default();
        for source in self.sources.read().iter() {
            source(&mut samples);
        }
        let mut writer = Writer::new(format);
        let count = |count: &AtomicU64| Number::Count(count.load(Ordering::Relaxed));
        let money =
            |nanos: &AtomicU64| Number::Money(Money(i64::try_from(nanos.load(Ordering::Relaxed)).unwrap_or(i64::MAX)));
        let all = &self.families;
        write(&mut writer, &all.requests, count);
        write(&mut writer, &all.errors, count);
        write_histograms(&mut writer, &all.seconds);
        write_histograms(&mut writer, &all.first_token);
        write(&mut writer, &all.tokens, count);
        write(&mut writer, &all.charge, money);
        write(&mut writer, &all.attempts, count);
        write(&mut writer, &all.fallbacks, count);
        write(&mut writer, &all.limits, count);
        write(&mut writer, &all.findings, count);
        write(&mut writer, &all.cache, count);
        for row in metric::TABLE {
            samples.write(row, &mut writer);
        }
        writer.end()
    }
}

fn labelled<'a, const N: usize>(metric: &Metric<N>, values: &'a [Box<str>; N]) -> [(&'static str, &'a str); N] {
    std::array::from_fn(|index| (metric.labels[index], &*values[index]))
}

fn write<const N: usize>(writer: &mut Writer, family: &Family<N, AtomicU64>, number: impl Fn(&AtomicU64) -> Number) {
    writer.head(&family.metric.row);
    for (values, count) in family.all() {
        let number = number(&count);
        // What nobody was ever charged for, say, is no news.
        if number != Number::Count(0) && number != Number::Money(Money::ZERO) {
            writer.sample(family.metric.row.name, &labelled(family.metric, &values), number);
        }
    }
}

fn write_histograms<const N: usize>(writer: &mut Writer, family: &Family<N, Histogram>) {
    writer.head(&family.metric.row);
    for (values, histogram) in family.all() {
        let seen = histogram.snapshot();
        if seen.cumulative.last().is_some_and(|count| *count > 0) {
            writer.histogram(family.metric.row.name, &labelled(family.metric, &values), &seen);
        }
    }
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
