//! Where the notes of calls go: the audit log. Usage is counted by who watches the log.
//!
//! It does not know what is noted, nor when.

use crate::facts::facts;
use crate::journal::Journal;
use yizhan_audit::{AuditLog, Record};
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_telemetry::Step;

/// What to do while the audit log cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnAuditFailure {
    /// Answer anyway; the log notes the gap when it works again.
    Open,
    /// Refuse calls.
    #[default]
    Closed,
}

/// Keeps the notes. Cheap to clone.
#[derive(Clone, Default)]
pub struct Ledger {
    log: Option<AuditLog>,
    on_failure: OnAuditFailure,
}

impl Ledger {
    /// Over a log.
    pub fn new(log: AuditLog, on_failure: OnAuditFailure) -> Self {
        Self { log: Some(log), on_failure }
    }

    /// The log, if there is one.
    pub fn log(&self) -> Option<&AuditLog> {
        self.log.as_ref()
    }

    /// May a call begin? Not while its record could not be kept, unless the installation says so.
    pub(crate) fn is_open(&self) -> Result<()> {
        let failure = self.log.as_ref().and_then(AuditLog::failure);
        match failure {
            Some(error) if self.on_failure == OnAuditFailure::Closed => {
                tracing::error!(%error, "calls are refused, because their records cannot be kept");
                let message = "Calls cannot be recorded at the moment, and are refused until they can. Retry later.";
                Err(Error::new(ErrorCode::Overloaded, message).retry_after(std::time::Duration::from_secs(5)))
            }
            _ => Ok(()),
        }
    }

    /// Keeps a record; it is on the disk when this returns.
    pub async fn keep(&self, record: impl Into<Box<Record>>) -> Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        match log.append(record).await {
            Ok(_) => Ok(()),
            Err(error) if self.on_failure == OnAuditFailure::Open => {
                tracing::error!(%error, "a call's record could not be kept");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps the record of a call that has ended, and ends its trace.
    pub(crate) async fn close(&self, journal: Journal) -> Result<()> {
        let Journal { record, mut trace, .. } = journal;
        if let Some(facts) = trace.is_recorded().then(|| facts(&record)).flatten() {
            trace.describe(&facts);
            trace.enter(Step::Record);
        }
        self.keep(record).await
    }

    /// The same for a call that nobody waits for.
    pub(crate) fn close_later(&self, journal: Journal) {
        let Journal { record, mut trace, .. } = journal;
        if let Some(facts) = trace.is_recorded().then(|| facts(&record)).flatten() {
            trace.describe(&facts);
        }
        self.keep_later(record);
    }

    /// Keeps a record that nobody waits for.
    pub fn keep_later(&self, record: impl Into<Box<Record>>) {
        if let Some(log) = &self.log
            && let Err(error) = log.append_nowait(record)
        {
            tracing::error!(%error, "a record that nobody waits for could not be kept");
        }
    }
}
