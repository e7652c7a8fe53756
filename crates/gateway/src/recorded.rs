//! The last step of an answer's way: what it uses is covered while it streams, settled when it ends,
//! and recorded before its last event goes out. Also when the caller goes away.
//!
//! It does not know what was done to the events before.

use crate::approval::Approval;
use crate::content::{self, Said};
use crate::held::{Withholding, is_withheld};
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::policy::Policy;
use crate::seen::Seen;
use crate::texts::Texts;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use serde_json::json;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use yizhan_access::Permit;
use yizhan_admission::{Slot, Verdict};
use yizhan_audit::{Cached, Charged, Outcome};
use yizhan_cache::Pending;
use yizhan_domain::{Error, ErrorCode, Fields, FinishReason, Money, Result, ReviewId, Usage};
use yizhan_guard::Findings;
use yizhan_model::{ChatEvent, EventStream};

/// What a call holds and notes until its end.
pub(crate) struct Account {
    pub(crate) journal: Journal,
    pub(crate) permit: Option<Permit>,
    pub(crate) slot: Option<Slot>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) ledger: Ledger,
    pub(crate) seen: Arc<Seen>,
    pub(crate) prompt_tokens: u32,
    /// The longest answer that was asked for; the model gives no more, whatever the estimate says.
    pub(crate) most_output: Option<u32>,
    /// What rules found in the answer, when it is guarded.
    pub(crate) findings: Option<Findings>,
    /// The answer is kept in the cache when it ends well.
    pub(crate) pending: Option<Pending>,
    /// What was asked and answered, as far as it is kept.
    pub(crate) texts: Option<Texts>,
    /// What was answered, where the trace is to have it.
    pub(crate) said: Option<Said>,
    /// What a person approved for this call.
    pub(crate) approval: Option<Approval>,
    /// Needed when a rule withholds the answer for a person.
    pub(crate) withholding: Option<Box<Withholding>>,
}

impl Account {
    /// What the answer has cost so far, with these tokens.
    fn cost(&self, usage: &Usage) -> Option<Charged> {
        let answered = self.journal.trail.answered()?;
        let cost = self.policy.cost(&answered.provider, &answered.model, usage, self.journal.time_ms());
        cost.map(|(amount, version)| Charged { amount, version })
    }

    /// The tokens and money that must be covered before the next piece goes out; none when they are.
    fn uncovered(&self) -> Option<(u64, Money)> {
        // An answer in one piece is paid for when it comes: cutting it off would spare nothing.
        let permit = self.permit.as_ref().filter(|_| self.journal.record.streamed)?;
        let output = self.seen.output().min(self.most_output.unwrap_or(u32::MAX));
        if u64::from(output) <= permit.remaining_output() {
            return None;
        }
        let usage = Usage { prompt_tokens: self.prompt_tokens, completion_tokens: output, ..Usage::default() };
        let money = self.cost(&usage).map_or(Money::ZERO, |charge| charge.amount);
        Some((u64::from(output), money))
    }

    /// Settles the permit, gives the place on, and completes the notes.
    pub(crate) fn close(mut self, outcome: Outcome) -> Journal {
        // From memory: nothing was consumed now.
        let is_hit = self.journal.record.cache != Cached::Miss;
        let mut usage = if is_hit { Usage::default() } else { self.seen.usage(self.prompt_tokens) };
        if let (Outcome::CutOff, Some(permit)) = (&outcome, &self.permit) {
            // The piece that was not covered was not passed on either.
            let covered = u32::try_from(permit.remaining_output()).unwrap_or(u32::MAX);
            usage.completion_tokens = usage.completion_tokens.min(covered);
        }
        let charge = self.cost(&usage);
        if let Some(permit) = self.permit.take() {
            let money = charge.as_ref().map_or(Money::ZERO, |charge| charge.amount);
            permit.settle(u64::from(usage.total_tokens()), money);
        }
        if let Some(slot) = &mut self.slot {
            slot.judge(verdict(&outcome));
        }
        if let Some(first) = self.seen.first() {
            self.journal.first_token(first);
        }
        if let Some(findings) = &self.findings {
            self.journal.found(&findings.list(), true);
        }
        if let Some(pending) = self.pending.take().filter(|_| outcome == Outcome::Ok) {
            pending.commit();
        }
        if let Some(texts) = self.texts.take() {
            texts.keep(&self.policy, &mut self.journal.record);
        }
        if let Some(said) = self.said.take() {
            said.end(&mut self.journal.trace, &self.policy);
        }
        self.journal.end(usage, charge);
        self.journal.record.outcome = outcome;
        self.journal
    }
}

fn verdict(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Ok => Verdict::Good,
        Outcome::Failed(code)
            if [ErrorCode::Overloaded.as_str(), ErrorCode::Timeout.as_str()].contains(&code.as_str()) =>
        {
            Verdict::Overloaded
        }
        _ => Verdict::Nothing,
    }
}

type Item = Result<ChatEvent>;

enum Stage {
    /// Events pass.
    Flowing,
    /// More is being set aside before this event may pass.
    Covering(BoxFuture<'static, (Permit, Result<()>)>, ChatEvent),
    /// The answer is put into the queue for a person; then the caller is told.
    Withholding(BoxFuture<'static, (Fields, Option<ReviewId>)>),
    /// These go out before the end.
    Ending(VecDeque<ChatEvent>, Outcome),
    /// The record is being written; then this goes out as the last.
    Recording(BoxFuture<'static, Result<()>>, Option<Item>),
    /// Nothing comes any more.
    Done,
}

/// An answer that is accounted for.
pub(crate) struct Recorded {
    events: Option<EventStream>,
    account: Option<Account>,
    stage: Stage,
    /// Why the first answer ended.
    reason: Option<FinishReason>,
    /// A person decides on the answer.
    held: Option<ReviewId>,
}

impl Recorded {
    pub(crate) fn new(events: EventStream, account: Account) -> Self {
        Self { events: Some(events), account: Some(account), stage: Stage::Flowing, reason: None, held: None }
    }

    /// What to do with the next event of the stream; the event itself when it may pass.
    fn take(&mut self, event: Option<Item>) -> Option<ChatEvent> {
        match event {
            Some(Ok(ChatEvent::End { usage })) => {
                let outcome = self.outcome();
                self.record(outcome, |usage_of_record| Ok(ChatEvent::End { usage: shown(usage, usage_of_record) }));
                None
            }
            Some(Ok(ChatEvent::Extra { choice: None, fields })) if is_withheld(&fields) => self.withhold(fields),
            Some(Ok(event)) => {
                if let Some(texts) = self.account.as_mut().and_then(|account| account.texts.as_mut()) {
                    texts.take(&event);
                }
                if let Some(said) = self.account.as_mut().and_then(|account| account.said.as_mut()) {
                    said.take(&event);
                }
                if let ChatEvent::Finish { choice, reason, .. } = &event {
                    if let Some(account) = &mut self.account {
                        account.journal.trace.finished(content::reason(*reason));
                    }
                    if *choice == 0 {
                        self.reason = Some(*reason);
                    }
                }
                match self.account.as_ref().and_then(Account::uncovered) {
                    None => Some(event),
                    Some((tokens, money)) => {
                        self.cover(tokens, money, event);
                        None
                    }
                }
            }
            Some(Err(error)) => {
                self.record(Outcome::Failed(error.code().into()), |_| Err(error));
                None
            }
            None => {
                let error = Error::new(ErrorCode::ProviderFailed, "The answer broke off before its end; ask again.");
                self.record(Outcome::Failed(error.code().into()), |_| Err(error));
                None
            }
        }
    }

    /// The guard withholds the answer: it goes to a person, where there is a queue.
    fn withhold(&mut self, told: Fields) -> Option<ChatEvent> {
        let account = self.account.as_mut();
        let withheld = account.and_then(|account| {
            let withheld = account.findings.as_ref()?.take_withheld()?;
            Some((account.withholding.take()?, withheld))
        });
        let Some((withholding, withheld)) = withheld else {
            return Some(ChatEvent::Extra { choice: None, fields: told });
        };
        self.stage = Stage::Withholding(Box::pin(withholding.hold(withheld)));
        None
    }

    fn outcome(&self) -> Outcome {
        if let Some(review) = &self.held {
            return Outcome::Held(review.to_string());
        }
        let findings = self.account.as_ref().and_then(|account| account.findings.as_ref());
        if self.reason == Some(FinishReason::ContentFilter)
            && let Some(findings) = findings
            && let Some(last) = findings.list().last()
        {
            return Outcome::Blocked(last.rule.clone());
        }
        Outcome::Ok
    }

    fn cover(&mut self, tokens: u64, money: Money, event: ChatEvent) {
        let permit = self.account.as_mut().and_then(|account| account.permit.take());
        let Some(mut permit) = permit else { return };
        let covering = Box::pin(async move {
            let covered = permit.cover(tokens, money).await;
            (permit, covered)
        });
        self.stage = Stage::Covering(covering, event);
    }

    /// The budget is used up: what has come is kept, nothing more is asked for.
    fn cut_off(&mut self, why: &Error) {
        self.events = None;
        if let Some(account) = &mut self.account
            && let Some(limit) = account.permit.as_ref().and_then(Permit::refused_by)
        {
            account.journal.limited(limit);
        }
        let said = json!({"cut_off": {"code": why.code().as_str(), "message": why.message()}});
        let mut ending = VecDeque::new();
        ending.push_back(ChatEvent::Extra { choice: None, fields: Fields::from_iter([("yizhan".to_owned(), said)]) });
        if self.reason.is_none() {
            ending.push_back(ChatEvent::finish(FinishReason::Length));
        }
        self.stage = Stage::Ending(ending, Outcome::CutOff);
    }

    fn record(&mut self, outcome: Outcome, last: impl FnOnce(&Usage) -> Item) {
        // The upstream is closed before the record says that the call is over.
        self.events = None;
        let Some(mut account) = self.account.take() else {
            self.stage = Stage::Done;
            return;
        };
        let (ledger, approval) = (account.ledger.clone(), account.approval.take());
        let is_answered = !matches!(outcome, Outcome::Failed(_));
        let mut journal = account.close(outcome);
        let last = last(&journal.record.usage);
        journal.record.status = match &last {
            Ok(_) => 200,
            Err(error) => error.code().status(),
        };
        let recording = async move {
            let recorded = ledger.close(journal).await;
            if let Some(approval) = approval {
                approval.end(is_answered && recorded.is_ok()).await;
            }
            recorded
        };
        self.stage = Stage::Recording(Box::pin(recording), Some(last));
    }
}

/// The model's own count, where it gave one.
fn shown(told: Usage, counted: &Usage) -> Usage {
    if told.total_tokens() > 0 { told } else { *counted }
}

impl Stream for Recorded {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let this = &mut *self;
        loop {
            match &mut this.stage {
                Stage::Flowing => {
                    let Some(events) = &mut this.events else { return Poll::Ready(None) };
                    let event = ready!(events.as_mut().poll_next(context));
                    if let Some(event) = this.take(event) {
                        return Poll::Ready(Some(Ok(event)));
                    }
                }
                Stage::Covering(covering, _) => {
                    let (permit, covered) = ready!(covering.as_mut().poll(context));
                    if let Some(account) = &mut this.account {
                        account.permit = Some(permit);
                    }
                    let Stage::Covering(_, event) = std::mem::replace(&mut this.stage, Stage::Flowing) else {
                        continue;
                    };
                    match covered {
                        Ok(()) => return Poll::Ready(Some(Ok(event))),
                        Err(error) => this.cut_off(&error),
                    }
                }
                Stage::Withholding(holding) => {
                    let (fields, review) = ready!(holding.as_mut().poll(context));
                    (this.stage, this.held) = (Stage::Flowing, review);
                    return Poll::Ready(Some(Ok(ChatEvent::Extra { choice: None, fields })));
                }
                Stage::Ending(events, outcome) => {
                    if let Some(event) = events.pop_front() {
                        return Poll::Ready(Some(Ok(event)));
                    }
                    let outcome = outcome.clone();
                    this.record(outcome, |usage| Ok(ChatEvent::End { usage: *usage }));
                }
                Stage::Recording(recording, last) => {
                    let recorded = ready!(recording.as_mut().poll(context));
                    let last = last.take();
                    this.stage = Stage::Done;
                    return Poll::Ready(match recorded {
                        Ok(()) => last,
                        Err(error) => Some(Err(error)),
                    });
                }
                Stage::Done => return Poll::Ready(None),
            }
        }
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        // The upstream closes first: nothing more is paid for.
        self.events = None;
        if let Stage::Covering(..) = self.stage {
            // The permit went with the future; what it held is given back, the record is kept all the same.
            self.stage = Stage::Done;
        }
        if let Some(mut account) = self.account.take() {
            let ledger = account.ledger.clone();
            if let Some(approval) = account.approval.take() {
                // Whoever got the answer's beginning may not ask for another.
                approval.end_later(account.seen.first().is_some());
            }
            let mut journal = account.close(Outcome::Cancelled);
            journal.record.status = ErrorCode::Cancelled.status();
            ledger.close_later(journal);
        } else if let Stage::Recording(..) = &self.stage
            && let Stage::Recording(recording, _) = std::mem::replace(&mut self.stage, Stage::Done)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            // The caller went away while the record was on its way to the disk.
            runtime.spawn(async move {
                if let Err(error) = recording.await {
                    tracing::error!(%error, "a call's record could not be kept");
                }
            });
        }
    }
}
