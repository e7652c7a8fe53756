//! Limits held in this process, one lock for all of them; money drawn ahead from a store that remembers it.
//!
//! It does not know callers, and forgets rates and tokens with the process: a minute later they would be
//! forgotten anyway.

mod budget;
mod hold;
mod slot;
mod window;

use crate::calendar::{Period, UtcOffset};
use crate::limiter::{Claim, Limiter, Refusal, Spent, Subject, Used, Verdict};
use crate::{Hold, Standing};
use async_trait::async_trait;
use hold::MemoryHold;
use slot::{Attempt, State, Taken, Want, Wish};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use yizhan_domain::{CallId, Error, ErrorCode, Money, Result};
use yizhan_store::{BudgetLine, BudgetStore, Clock, Draw};

/// How often a claim asks the store, in case the day ends meanwhile.
const DRAWS: usize = 3;

/// After the store failed it is not asked for so many milliseconds: where each attempt takes long to
/// fail, callers would queue behind each other.
const FAILED_FOR: i64 = 1000;

/// The limiter of one process. Clones share its state.
///
/// Money is drawn from the store in portions of about a thirtieth of what is left, and what was drawn
/// counts as spent there. So the processes on one store never pass a budget together, and a crash
/// forgets nothing: the portion in hand stays spent, until
/// [`set_spent`](BudgetStore::set_spent) puts what the records of usage say in its place. Of a small budget the
/// portions are as small as the calls, so it can be used to the last unit.
#[derive(Clone)]
pub struct MemoryLimiter(Arc<Shared>);

struct Shared {
    clock: Clock,
    offset: UtcOffset,
    store: Option<Arc<dyn BudgetStore>>,
    /// This process's name in the store.
    holder: String,
    state: Mutex<State>,
    /// Held while the store is asked, so that its answers come in order.
    drawing: tokio::sync::Mutex<()>,
    /// When the store failed last.
    failed_ms: AtomicI64,
    /// Some budget is low.
    low: Notify,
}

impl MemoryLimiter {
    /// Days and months begin by this offset. Without a store money is forgotten with the process.
    pub fn new(store: Option<Arc<dyn BudgetStore>>, offset: UtcOffset) -> Self {
        Self::with_clock(store, offset, Clock::system())
    }

    /// [`MemoryLimiter::new`] with another clock, for tests.
    pub fn with_clock(store: Option<Arc<dyn BudgetStore>>, offset: UtcOffset, clock: Clock) -> Self {
        let shared = Shared {
            clock,
            offset,
            state: Mutex::new(State::new(store.is_some())),
            store,
            // Never the name of an earlier process: what that had drawn stays drawn.
            holder: CallId::random().to_string(),
            drawing: tokio::sync::Mutex::default(),
            failed_ms: AtomicI64::new(i64::MIN),
            low: Notify::new(),
        };
        Self(Arc::new(shared))
    }

    /// Draws ahead for budgets that are low, so that calls need not wait for the store. To be spawned
    /// once; never returns. Everything works without it, only slower now and then.
    pub async fn run(&self) {
        loop {
            self.0.low.notified().await;
            if let Err(error) = self.draw_ahead().await {
                tracing::warn!(%error, "budgets could not be drawn ahead");
            }
        }
    }

    /// Draws for the budgets that are low now.
    pub async fn draw_ahead(&self) -> Result<()> {
        let _drawing = self.0.drawing.lock().await;
        let now = self.0.clock.now_ms();
        let wishes = self.0.state().wishes_ahead(now, self.0.offset);
        self.0.draw(wishes, now).await
    }

    /// Gives back what is in hand of budgets from which nothing was taken since the last time, and of
    /// periods that are over, which are forgotten then. To be called each minute or so.
    pub async fn give_back_idle(&self) -> Result<()> {
        self.0.give_back(true).await
    }

    /// Gives back everything that is in hand. To be called at the end of the process.
    pub async fn give_back_all(&self) -> Result<()> {
        self.0.give_back(false).await
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes from all subjects or from none, asking the store where what is in hand does not cover it.
    async fn take(
        &self,
        subjects: &[Arc<Subject>],
        want: Want,
    ) -> Result<std::result::Result<(Taken, Standing), Refusal>> {
        if let Some(outcome) = self.attempt(subjects, want).decided() {
            return Ok(outcome);
        }
        let _drawing = self.drawing.lock().await;
        // While this waited for its turn, another may have drawn enough.
        let mut attempt = self.attempt(subjects, want);
        for _ in 0..DRAWS {
            match attempt {
                Attempt::Short(wishes) => self.draw(wishes, self.clock.now_ms()).await?,
                decided => return decided.decided().ok_or_else(unsettled),
            }
            attempt = self.attempt(subjects, want);
        }
        attempt.decided().ok_or_else(unsettled)
    }

    fn attempt(&self, subjects: &[Arc<Subject>], want: Want) -> Attempt {
        let now = self.clock.now_ms();
        let mut state = self.state();
        let attempt = state.attempt(subjects, want, now, self.offset);
        if state.has_low() {
            self.low.notify_one();
        }
        attempt
    }

    async fn draw(&self, wishes: Vec<Wish>, now: i64) -> Result<()> {
        let Some(store) = self.store.as_ref().filter(|_| !wishes.is_empty()) else { return Ok(()) };
        if (0..FAILED_FOR).contains(&now.saturating_sub(self.failed_ms.load(Ordering::Relaxed))) {
            return Err(Error::new(ErrorCode::Io, "The store of budgets failed a moment ago."));
        }
        let draws = wishes.iter().map(Wish::draw).collect();
        let drawn = store.draw(&self.holder, draws).await.inspect_err(|_| {
            self.failed_ms.store(self.clock.now_ms(), Ordering::Relaxed);
        })?;
        let mut state = self.state();
        wishes.iter().zip(drawn).for_each(|(wish, drawn)| state.deposit(wish, drawn, now));
        Ok(())
    }

    async fn spent(&self, subject: &Subject, limit: Money, period: Period, now: i64) -> Result<Spent> {
        let (own, drawn) = self.state().own_money(&subject.id, period);
        let spent = match &self.store {
            Some(store) => {
                let line = BudgetLine { account: subject.id.to_string(), period: period.name() };
                store.spent(&line).await? - drawn + own
            }
            None => own,
        };
        Ok(Spent { limit, spent, reset: period.rest(now, self.offset) })
    }

    async fn give_back(&self, only_idle: bool) -> Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let _drawing = self.drawing.lock().await;
        let (now, offset) = (self.clock.now_ms(), self.offset);
        let lines = self.state().let_go(only_idle, now, offset);
        if lines.is_empty() {
            return Ok(());
        }
        let draw = |(id, period, committed): &(Arc<str>, Period, Money)| Draw {
            line: BudgetLine { account: id.to_string(), period: period.name() },
            used: *committed,
            wanted: *committed,
            limit: Money(i64::MAX),
        };
        let drawn = store.draw(&self.holder, lines.iter().map(draw).collect()).await?;
        let mut state = self.state();
        lines.iter().zip(drawn).for_each(|((id, period, _), drawn)| state.gave_back(id, *period, drawn));
        Ok(())
    }
}

fn unsettled() -> Error {
    Error::internal("The budgets changed faster than they could be looked at.")
}

#[async_trait]
impl Limiter for MemoryLimiter {
    async fn reserve(&self, claim: Claim) -> Result<Verdict> {
        let Claim { subjects, tokens, money } = claim;
        let want = Want { requests: 1, tokens, money };
        Ok(match self.0.take(&subjects, want).await? {
            Ok((taken, standing)) => {
                Verdict::Held(Box::new(MemoryHold::new(self.0.clone(), subjects, taken, standing)) as Box<dyn Hold>)
            }
            Err(refusal) => Verdict::Refused(refusal),
        })
    }

    async fn standing(&self, subjects: &[Arc<Subject>]) -> Result<Standing> {
        let now = self.0.clock.now_ms();
        Ok(self.0.state().standing(subjects, now))
    }

    async fn used(&self, subjects: &[Arc<Subject>]) -> Result<Vec<Used>> {
        // Nothing is drawn meanwhile, so that what is drawn is not counted twice.
        let _drawing = self.0.drawing.lock().await;
        let (now, offset) = (self.0.clock.now_ms(), self.0.offset);
        let mut all = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let mut used = self.0.state().used(subject, now);
            if let Some(limit) = subject.per_day {
                used.day = Some(self.0.spent(subject, limit, Period::day(now, offset), now).await?);
            }
            if let Some(limit) = subject.per_month {
                used.month = Some(self.0.spent(subject, limit, Period::month(now, offset), now).await?);
            }
            all.push(used);
        }
        Ok(all)
    }
}
