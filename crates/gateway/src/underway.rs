//! A call under way: what it has gathered until it is answered, and its note when it is not.
//!
//! It does not know the steps.

use crate::approval::Approval;
use crate::held::Withholding;
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::policy::Policy;
use std::sync::Arc;
use yizhan_access::{Access, Ask, Permit, Principal};
use yizhan_admission::Slot;
use yizhan_cache::Pending;
use yizhan_domain::{Error, Money, Result};
use yizhan_store::Base;
use yizhan_telemetry::{Outgoing, Step};

/// What a call has gathered. It keeps the policy with which it began.
pub(crate) struct Walk {
    pub(crate) policy: Arc<Policy>,
    pub(crate) journal: Journal,
    pub(crate) permit: Option<Permit>,
    pub(crate) slot: Option<Slot>,
    pub(crate) pending: Option<Pending>,
    pub(crate) prompt_tokens: u32,
    pub(crate) most_output: Option<u32>,
    /// What a person approved for this call, when that is why it passed.
    pub(crate) approval: Option<Approval>,
    /// Needed when a rule withholds the answer for a person; none when no rule does.
    pub(crate) withholding: Option<Box<Withholding>>,
}

impl Walk {
    pub(crate) fn new(policy: Arc<Policy>, journal: Journal) -> Self {
        Self {
            policy,
            journal,
            permit: None,
            slot: None,
            pending: None,
            prompt_tokens: 0,
            most_output: None,
            approval: None,
            withholding: None,
        }
    }

    /// For the trace: a step begins, and the one before is over.
    pub(crate) fn enter(&mut self, step: Step) {
        self.journal.trace.enter(step);
    }

    /// For the trace: the step is over.
    pub(crate) fn leave(&mut self) {
        self.journal.trace.leave();
    }

    /// What requests of the present step tell others of the trace.
    pub(crate) fn outgoing(&self) -> Option<Outgoing> {
        self.journal.trace.outgoing_of_step()
    }

    /// For the trace: so many passages were found in these bases.
    pub(crate) fn found(&mut self, bases: &[Base], passages: usize) {
        let names = || bases.iter().map(|base| base.name.as_str()).collect::<Vec<_>>().join(",");
        self.journal.trace.note("gen_ai.operation.name", || "retrieval".to_owned());
        self.journal.trace.note("gen_ai.data_source.id", names);
        self.journal.trace.note("yizhan.passages", || passages.to_string());
        self.leave();
    }

    /// Sets aside what the call may use, or notes the limit that is in the way.
    pub(crate) async fn reserve(&mut self, access: &Access, caller: &Principal, ask: &Ask) -> Result<()> {
        match access.try_reserve(caller, ask).await? {
            Ok(permit) => self.permit = Some(permit),
            Err(refusal) => {
                self.journal.limited(refusal.name());
                return Err(refusal.into_error());
            }
        }
        Ok(())
    }

    /// Sets more aside for a prompt that turned out longer, or notes the limit that is in the way.
    pub(crate) async fn top_up_prompt(&mut self, tokens: u64, money: Money) -> Result<()> {
        let Some(permit) = &mut self.permit else { return Ok(()) };
        let covered = permit.top_up_prompt(tokens, money - permit.money()).await;
        if let (Err(_), Some(limit)) = (&covered, permit.refused_by()) {
            self.journal.limited(limit);
        }
        covered
    }
}

/// A call on its way. Its caller may leave at any step: then this is dropped, and the call noted all the same.
pub(crate) struct Underway<'a> {
    /// None once it has arrived.
    walk: Option<Walk>,
    ledger: &'a Ledger,
}

impl<'a> Underway<'a> {
    pub(crate) fn new(walk: Walk, ledger: &'a Ledger) -> Self {
        Self { walk: Some(walk), ledger }
    }

    /// What it has gathered so far; none is left after [`Underway::arrive`].
    pub(crate) fn walk(&mut self) -> Result<&mut Walk> {
        self.walk.as_mut().ok_or_else(lost)
    }

    /// It is answered or refused: from now on whoever takes this notes it.
    pub(crate) fn arrive(mut self) -> Result<Walk> {
        self.walk.take().ok_or_else(lost)
    }
}

fn lost() -> Error {
    Error::internal("a call that is under way has lost its notes")
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if let Some(Walk { mut journal, .. }) = self.walk.take() {
            journal.left();
            self.ledger.close_later(journal);
        }
    }
}
