//! What is noted of a call from its beginning, for the audit, the usage and the metrics.
//!
//! It does not know how the notes are kept: `ledger` does.

use crate::call::Caller;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use yizhan_audit::{Attempt, Charged, Finding, Kind, Outcome, Record, Served};
use yizhan_domain::{Error, ErrorCode, ModelName, ReviewId, Usage};
use yizhan_guard::Action;
use yizhan_metering as metering;
use yizhan_routing::Trail;
use yizhan_telemetry::{CallTrace, Tried};

/// The notes of one call.
pub(crate) struct Journal {
    pub(crate) record: Box<Record>,
    pub(crate) began: Instant,
    pub(crate) trail: Trail,
    pub(crate) trace: CallTrace,
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn ms(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

impl Journal {
    /// Of a call that begins now.
    pub(crate) fn begin(kind: Kind, caller: &Caller, model: &ModelName) -> Self {
        let mut record = Box::new(Record::new(caller.call.clone(), now_ms(), kind));
        let principal = &caller.principal;
        record.tenant = Some(principal.tenant().clone());
        record.project = principal.project().cloned();
        record.user = principal.user().cloned();
        record.key = Some(principal.key().clone());
        record.model = Some(model.clone());
        record.address = caller.address.clone();
        record.user_agent = caller.user_agent.clone();
        let trace = CallTrace::begin(caller.trace.as_ref());
        Self { record, began: Instant::now(), trail: Trail::traced(trace.outgoing()), trace }
    }

    /// When the call began, milliseconds since 1970.
    pub(crate) fn time_ms(&self) -> i64 {
        self.record.time_ms
    }

    /// The first content is there.
    pub(crate) fn first_token(&mut self, at: Instant) {
        self.record.first_token_ms = Some(ms(at.duration_since(self.began)));
    }

    /// What rules found.
    pub(crate) fn found(&mut self, findings: &[yizhan_guard::Finding], output: bool) {
        for finding in findings {
            let same = |noted: &&mut Finding| noted.rule == finding.rule && noted.output == output;
            match self.record.findings.iter_mut().find(same) {
                Some(noted) => noted.count += 1,
                None => self.record.findings.push(Finding {
                    rule: finding.rule.clone(),
                    action: word(finding.action).to_owned(),
                    output,
                    count: 1,
                }),
            }
        }
    }

    /// A person has looked at the request: under this id.
    pub(crate) fn reviewed(&mut self, review: &ReviewId) {
        self.record.extra.insert("review".to_owned(), review.as_str().into());
    }

    /// The call ends with an error before it began to answer.
    pub(crate) fn refused(&mut self, error: &Error) {
        self.record.status = error.code().status();
        self.record.outcome = match error.code() {
            ErrorCode::HeldForReview => match error.review() {
                Some(review) => Outcome::Held(review.to_string()),
                None => Outcome::Refused(error.code().into()),
            },
            ErrorCode::ContentBlocked => match self.record.findings.last() {
                Some(finding) => Outcome::Blocked(finding.rule.clone()),
                None => Outcome::Refused(error.code().into()),
            },
            code if code.status() >= 500 && !self.trail.attempts().is_empty() => Outcome::Failed(code.into()),
            code => Outcome::Refused(code.into()),
        };
    }

    /// Which limit refuses the call, or cuts it off.
    pub(crate) fn limited(&mut self, limit: String) {
        self.record.extra.insert("limit".to_owned(), limit.into());
    }

    /// The caller went away before the answer began.
    pub(crate) fn left(&mut self) {
        self.record.status = ErrorCode::Cancelled.status();
        self.end(Usage::default(), None);
        self.record.outcome = Outcome::Cancelled;
    }

    /// The end: what it took.
    pub(crate) fn end(&mut self, usage: Usage, charge: Option<Charged>) {
        self.record.usage = usage;
        self.record.charge = charge;
        self.record.total_ms = ms(self.began.elapsed());
        self.record.fallback |= self.trail.fell_back();
        let attempts = self.trail.attempts();
        attempts.iter().for_each(|one| tried(&mut self.trace, one, self.record.streamed));
        self.record.attempts = attempts.into_iter().map(attempt).collect();
        if let Some(answered) = self.trail.answered() {
            let model = answered.model.as_str().to_owned();
            self.record.served = Some(Served { provider: answered.provider.to_string(), model });
        }
    }
}

/// As the usage counts a record.
pub fn counted(record: &Record) -> metering::Call<'_> {
    fn text<'a, T>(id: &'a Option<T>, as_str: impl Fn(&'a T) -> &'a str) -> &'a str {
        id.as_ref().map_or("", as_str)
    }
    metering::Call {
        time_ms: record.time_ms,
        tenant: text(&record.tenant, |id| id.as_str()),
        project: text(&record.project, |id| id.as_str()),
        user: text(&record.user, |id| id.as_str()),
        key: text(&record.key, |id| id.as_str()),
        app: record.app.as_deref().unwrap_or(""),
        model: match &record.served {
            Some(served) => served.model.as_str(),
            None => text(&record.model, |name| name.as_str()),
        },
        provider: record.served.as_ref().map_or("", |served| served.provider.as_str()),
        outcome: match record.outcome {
            Outcome::Ok | Outcome::CutOff => metering::CallOutcome::Ok,
            Outcome::Failed(_) => metering::CallOutcome::Failed,
            Outcome::Refused(_) | Outcome::Blocked(_) | Outcome::Held(_) => metering::CallOutcome::Refused,
            Outcome::Cancelled => metering::CallOutcome::Cancelled,
        },
        cache_hit: record.cache != yizhan_audit::Cached::Miss,
        fallback: record.fallback,
        usage: record.usage,
        charge: record.charge.as_ref().map(|charge| charge.amount),
        total_ms: record.total_ms,
        first_token_ms: record.first_token_ms,
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Block => "block",
        Action::Mask => "mask",
        Action::Rewrite => "rewrite",
        Action::Warn => "warn",
        Action::Review => "review",
        Action::Log => "log",
    }
}

fn fault(one: &yizhan_routing::Attempt) -> Option<ErrorCode> {
    match one.outcome {
        yizhan_routing::Outcome::Failed(code) => Some(code),
        yizhan_routing::Outcome::Abandoned => Some(ErrorCode::Cancelled),
        yizhan_routing::Outcome::Answered => None,
    }
}

fn tried(trace: &mut CallTrace, one: &yizhan_routing::Attempt, streamed: bool) {
    let Some(place) = one.place else { return };
    trace.tried(&Tried {
        place,
        began: one.began.into_std(),
        took: one.took,
        provider: &one.provider,
        model: one.model.as_str(),
        status: one.status,
        error: fault(one).map_or("", |code| code.as_str()),
        streamed,
        last_resort: one.last_resort,
    });
}

fn attempt(one: yizhan_routing::Attempt) -> Attempt {
    let error = fault(&one).map(Into::into);
    let provider: Arc<str> = one.provider;
    Attempt {
        provider: provider.to_string(),
        model: one.model.as_str().to_owned(),
        status: one.status,
        error,
        ms: ms(one.took),
    }
}
