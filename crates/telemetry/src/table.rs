//! The one table of metrics: name, kind, meaning, labels.
//!
//! It holds no numbers.

/// How a metric's numbers behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; begins at 0 with the process, unless its meaning says otherwise.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations by size.
    Histogram,
}

impl Kind {
    /// The word of the exposition formats.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric with `N` labels. The number is in the type, so that none is forgotten.
#[derive(Debug)]
pub struct Metric<const N: usize> {
    pub(crate) row: Row,
    pub(crate) labels: [&'static str; N],
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name on the wire.
    pub name: &'static str,
    /// How its numbers behave.
    pub kind: Kind,
    /// What it means, in one sentence.
    help: &'static str,
    /// Its labels' names.
    pub labels: &'static [&'static str],
}

impl Row {
    /// What it means, in one sentence.
    pub fn help(&self) -> &'static str {
        self.help.trim()
    }
}

/// Labels whose values are not a closed set. Beyond the most series they become `other`.
pub(crate) const OPEN_LABELS: [&str; 5] = ["tenant", "model", "provider", "rule", "limit"];

macro_rules! metrics {
    ($( $(#[doc = $help:literal])+ $id:ident = $kind:ident $name:literal [$($label:literal),*]; )*) => {
        /// Every metric, by its name in code.
        pub mod metric {
            use super::{Kind, Metric, Row};

            /// The table's rows, in the order of the output.
            pub const TABLE: &[Row] = &[$( $id.row, )*];

            $(
                $(#[doc = $help])+
                pub const $id: Metric<{ <[&str]>::len(&[$($label),*]) }> = Metric {
                    row: Row { name: $name, kind: Kind::$kind, help: concat!($($help),+), labels: &[$($label),*] },
                    labels: [$($label),*],
                };
            )*
        }
    };
}

metrics! {
    /// Calls that ended, by how they ended: ok, refused, blocked, held, cancelled, cut_off or failed.
    REQUESTS = Counter "yizhan_requests_total" ["kind", "tenant", "model", "provider", "outcome", "streamed"];
    /// Calls that ended with an error, by the code of the one table of errors.
    ERRORS = Counter "yizhan_errors_total" ["kind", "code"];
    /// From a call's first byte in to its last byte out.
    REQUEST_SECONDS = Histogram "yizhan_request_seconds" ["kind", "model", "provider"];
    /// From a call's first byte in to its answer's first token.
    FIRST_TOKEN_SECONDS = Histogram "yizhan_first_token_seconds" ["model", "provider"];
    /// Tokens by direction: prompt or completion; cached is a part of prompt, reasoning of completion.
    TOKENS = Counter "yizhan_tokens_total" ["tenant", "model", "direction"];
    /// What calls cost, in units of the currency.
    CHARGE = Counter "yizhan_charge_total" ["tenant", "model", "currency"];
    /// Providers that were tried, by how it ended: ok, or the error's code.
    ATTEMPTS = Counter "yizhan_attempts_total" ["provider", "model", "outcome"];
    /// Calls that another model than the first choice served, by who did.
    FALLBACKS = Counter "yizhan_fallbacks_total" ["provider", "model"];
    /// Calls that a limit refused or cut off: rate, budget or load, or the limit's own name, such as key.money_per_day.
    LIMIT_REFUSALS = Counter "yizhan_limit_refusals_total" ["limit"];
    /// What rules found, by side: input or output.
    RULE_FINDINGS = Counter "yizhan_rule_findings_total" ["rule", "action", "side"];
    /// Questions and answers that wait for a person to decide on them.
    REVIEWS_WAITING = Gauge "yizhan_reviews_waiting" [];
    /// For how long the oldest of them has waited; 0 when none waits.
    REVIEWS_OLDEST = Gauge "yizhan_reviews_oldest_seconds" [];
    /// Calls that a cache was asked for: exact, semantic or miss.
    CACHE = Counter "yizhan_cache_total" ["result"];
    /// Times that the cache which servers share was asked: hit, miss, or failed since it is away.
    CACHE_SHARED = Counter "yizhan_cache_shared_total" ["result"];
    /// Calls that go on.
    OPEN_CALLS = Gauge "yizhan_open_calls" [];
    /// Calls that have a place.
    QUEUE_RUNNING = Gauge "yizhan_queue_running" [];
    /// Calls that wait for a place.
    QUEUE_WAITING = Gauge "yizhan_queue_waiting" [];
    /// How many places there are at present; the queue adapts it.
    QUEUE_LIMIT = Gauge "yizhan_queue_limit" [];
    /// A target's circuit breaker: 0 lets all through, 1 one probe, 2 nothing.
    BREAKER_STATE = Gauge "yizhan_breaker_state" ["provider", "model"];
    /// What is given up under load: 0 nothing, 1 long answers, 2 the dearer model, 3 all but the cache, 4 new calls.
    DEGRADATION_STEP = Gauge "yizhan_degradation_step" [];
    /// The share of the processors that this process may use which is busy, 0 to 1.
    CPU_BUSY = Gauge "yizhan_cpu_busy" [];
    /// Records in the audit log since it was begun; it does not begin anew with the process.
    AUDIT_RECORDS = Counter "yizhan_audit_records_total" [];
    /// Records that wait for the disk.
    AUDIT_WAITING = Gauge "yizhan_audit_waiting" [];
    /// 1 while audit records cannot be written.
    AUDIT_FAILING = Gauge "yizhan_audit_failing" [];
    /// Worker processes that run, by what they do: chat, embed or parse.
    WORKERS = Gauge "yizhan_workers" ["kind"];
    /// Requests whose trace was exported, dropped because the queue was full, or failed at the collector.
    TRACES = Counter "yizhan_traces_total" ["result"];
    /// When the configuration in force was loaded, seconds since 1970.
    CONFIG_LOADED = Gauge "yizhan_config_loaded_timestamp_seconds" [];
    /// 1 when the last change of the configuration counts, 0 when it was refused.
    CONFIG_OK = Gauge "yizhan_config_ok" [];
    /// 1 when the last change of the TLS files counts, 0 when they could not be used.
    TLS_OK = Gauge "yizhan_tls_ok" [];
    /// When the TLS certificate in use ends, seconds since 1970.
    TLS_ENDS = Gauge "yizhan_tls_certificate_ends_timestamp_seconds" [];
    /// 1, with the version that runs.
    BUILD = Gauge "yizhan_build_info" ["version"];
    /// Processor time of this process, its workers not included.
    PROCESS_CPU = Counter "process_cpu_seconds_total" [];
    /// Memory of this process that is in use, its workers not included.
    PROCESS_RESIDENT = Gauge "process_resident_memory_bytes" [];
    /// Files and connections that are open.
    PROCESS_OPEN_FDS = Gauge "process_open_fds" [];
    /// How many may be.
    PROCESS_MAX_FDS = Gauge "process_max_fds" [];
    /// When the process began, seconds since 1970.
    PROCESS_START = Gauge "process_start_time_seconds" [];
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
