//! Calls added up by the hour, on their way to the store.
//!
//! It does not know where calls are written down: it is told each with its number there, so that after a
//! crash exactly those are told again that no flush had covered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use yizhan_domain::{Error, ErrorCode, Money, Result, Usage};
use yizhan_store::{HOUR_MS, UsageBatch, UsageCounts, UsageGroup, UsageKey, UsageQuery, UsageStore};

/// How a call ended, as far as usage tells it apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallOutcome {
    /// Answered.
    #[default]
    Ok,
    /// A model was asked and failed.
    Failed,
    /// Refused by a limit, a budget, a permission or a rule.
    Refused,
    /// The caller went away.
    Cancelled,
}

/// What usage counts of a call. Empty texts stand for none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Call<'a> {
    /// When it began, milliseconds since 1970; the hour that it is counted in.
    pub time_ms: i64,
    /// Who pays.
    pub tenant: &'a str,
    /// The tenant's project.
    pub project: &'a str,
    /// The person or service.
    pub user: &'a str,
    /// The key's public id.
    pub key: &'a str,
    /// The application.
    pub app: &'a str,
    /// The model that served, or that was asked for when none did.
    pub model: &'a str,
    /// The provider that served.
    pub provider: &'a str,
    /// How it ended.
    pub outcome: CallOutcome,
    /// Answered from a cache.
    pub cache_hit: bool,
    /// Served by another model than the first choice.
    pub fallback: bool,
    /// Tokens.
    pub usage: Usage,
    /// What it cost; none when the model has no price.
    pub charge: Option<Money>,
    /// How long it took, milliseconds.
    pub total_ms: u32,
    /// Until the first token, milliseconds.
    pub first_token_ms: Option<u32>,
}

impl Call<'_> {
    /// The row that it belongs to.
    pub fn key(&self) -> UsageKey {
        let mut key = UsageKey::default();
        self.write_key(&mut key);
        key
    }

    /// What it adds there.
    pub fn counts(&self) -> UsageCounts {
        let (one, many) = (|is: bool| u64::from(is), |count: u32| u64::from(count));
        // A call that consumed nothing costs nothing, priced or not.
        let consumed = self.usage.total_tokens() > 0;
        let mut counts = UsageCounts {
            calls: 1,
            errors: one(self.outcome == CallOutcome::Failed),
            refusals: one(self.outcome == CallOutcome::Refused),
            cancelled: one(self.outcome == CallOutcome::Cancelled),
            cache_hits: one(self.cache_hit),
            fallbacks: one(self.fallback),
            unpriced: one(consumed && self.charge.is_none()),
            prompt_tokens: many(self.usage.prompt_tokens),
            cached_tokens: many(self.usage.cached_tokens),
            cache_write_tokens: many(self.usage.cache_write_tokens),
            completion_tokens: many(self.usage.completion_tokens),
            reasoning_tokens: many(self.usage.reasoning_tokens),
            total_ms: many(self.total_ms),
            first_token_ms: many(self.first_token_ms.unwrap_or(0)),
            first_token_calls: one(self.first_token_ms.is_some()),
            charge: self.charge.unwrap_or_default(),
            ..UsageCounts::default()
        };
        counts.count_latency(self.total_ms);
        counts
    }

    /// Writes its key over another, whose texts' memory is used again.
    fn write_key(&self, key: &mut UsageKey) {
        key.hour_ms = self.time_ms.max(0) / HOUR_MS * HOUR_MS;
        let texts = [
            (&mut key.tenant, self.tenant),
            (&mut key.project, self.project),
            (&mut key.user, self.user),
            (&mut key.key, self.key),
            (&mut key.app, self.app),
            (&mut key.model, self.model),
            (&mut key.provider, self.provider),
        ];
        for (text, value) in texts {
            text.clear();
            text.push_str(value);
        }
    }
}

/// Adds calls up in memory and hands them to the store in batches. Share it in an [`Arc`].
///
/// A call is counted once, whatever crashes: the batch carries the number of its last record, the store
/// moves to it in the same transaction, and after a start the records behind [`Meter::position`] are told
/// again. Until a flush succeeds, memory holds a row for each combination that occurred.
pub struct Meter {
    store: Arc<dyn UsageStore>,
    source: String,
    state: Mutex<State>,
    /// One flush at a time.
    flushing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    rows: HashMap<UsageKey, UsageCounts>,
    scratch: UsageKey,
    /// The last record that was told.
    told: u64,
    /// The last record that is in the store, or in `sent`.
    taken: u64,
    /// A batch whose fate is unknown. It is sent again as it was, so that it is counted once.
    sent: Option<UsageBatch>,
}

impl Meter {
    /// A meter for the records of one source, e.g. `audit`, that goes on where the store is.
    pub async fn open(store: Arc<dyn UsageStore>, source: impl Into<String>) -> Result<Self> {
        let source = source.into();
        let position = store.usage_position(&source).await?;
        let state = Mutex::new(State { told: position, taken: position, ..State::default() });
        Ok(Self { store, source, state, flushing: tokio::sync::Mutex::default() })
    }

    /// The last record that was told. The next is this and one.
    pub fn position(&self) -> u64 {
        self.state().told
    }

    /// Rows that wait for a flush.
    pub fn rows(&self) -> usize {
        self.state().rows.len()
    }

    /// Counts the call of record `sequence`. Records are told in order; one that was told before is passed
    /// over, and false returned.
    pub fn add(&self, sequence: u64, call: &Call<'_>) -> bool {
        let state = &mut *self.state();
        if sequence <= state.told {
            return false;
        }
        state.told = sequence;
        call.write_key(&mut state.scratch);
        match state.rows.get_mut(&state.scratch) {
            Some(row) => row.add(&call.counts()),
            None => {
                state.rows.insert(state.scratch.clone(), call.counts());
            }
        }
        true
    }

    /// Passes over a record that is no call, so that it is not looked at again after a start.
    pub fn pass(&self, sequence: u64) {
        let mut state = self.state();
        state.told = state.told.max(sequence);
    }

    /// Hands everything to the store.
    ///
    /// The store's error when it fails: nothing is lost, and the next flush tries again. `Conflict` when
    /// somebody else counts the same source.
    pub async fn flush(&self) -> Result<()> {
        let _alone = self.flushing.lock().await;
        while let Some(batch) = self.take() {
            let (after, through) = (batch.after, batch.through);
            let position = self.store.add_usage(batch).await?;
            if position != through {
                let source = &self.source;
                let message = format!(
                    "Usage of '{source}' is at record {position} in the store, and this process counts on from \
                     {after}. Let one process alone count, and start it again."
                );
                return Err(Error::new(ErrorCode::Conflict, message));
            }
            self.state().sent = None;
        }
        Ok(())
    }

    /// Flushes, and asks the store: what was told before is in the answer.
    pub async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageGroup>> {
        self.flush().await?;
        self.store.usage(query).await
    }

    /// The batch whose fate is unknown, or else a new one; none when there is nothing.
    fn take(&self) -> Option<UsageBatch> {
        let mut state = self.state();
        if state.sent.is_none() && state.told > state.taken {
            let rows = std::mem::take(&mut state.rows).into_iter().collect();
            let (after, through) = (state.taken, state.told);
            state.sent = Some(UsageBatch { source: self.source.clone(), after, through, rows });
            state.taken = through;
        }
        state.sent.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "meter_tests.rs"]
mod tests;
