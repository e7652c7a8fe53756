//! The limiter: one call of the script for each step.
//!
//! It does not know how long a settlement waits for Redis, or how the connection is kept.

use crate::Counters;
use crate::counters::Count;
use crate::hold::RedisHold;
use crate::ledger::Ledger;
use crate::link::Link;
use crate::pending::{Pending, Settlement};
use crate::periods::Periods;
use crate::script::{Answer, Call, Kind, Line, Step, is_lasting};
use crate::settings::RedisSettings;
use crate::upkeep::Running;
use async_trait::async_trait;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use yizhan_access::{Claim, Limiter, Refusal, Standing, Subject, Used, UtcOffset, Verdict};
use yizhan_domain::{CallId, Error, Money, Result};
use yizhan_store::{BudgetStore, Clock};

/// How often a claim is tried anew because the day ended or a seed was missing.
const ATTEMPTS: usize = 4;

/// The limiter of several processes on one Redis. Clones share its connection.
///
/// **[`RedisLimiter::run`] has to be spawned**: it keeps the connection, settles, and renews the leases of
/// calls under way.
///
/// *Requests, tokens and concurrency* live in Redis alone; when it is emptied, they begin anew. *Money* too,
/// unless a [`BudgetStore`] that all replicas share is given: it is told each second what was spent, and is
/// asked, once, for every budget of which Redis knows nothing. What calls under way had set aside when Redis
/// was emptied is then counted in the store, and in Redis only after it is emptied again.
///
/// A call whose process dies is no longer counted as under way after the lease; what it had set aside of
/// tokens leaves with the minute, and of money stays spent, since the provider may have charged it.
#[derive(Clone)]
pub struct RedisLimiter(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub settings: RedisSettings,
    pub link: Link,
    pub pending: Pending,
    pub running: Running,
    pub ledger: Option<Ledger>,
    offset: UtcOffset,
    /// This machine's.
    clock: Clock,
    /// For tests: the clock is that of the script too.
    by_clock: bool,
    /// How far the server's time is ahead of this machine's, in milliseconds.
    ahead_ms: AtomicI64,
    periods: Mutex<Arc<Periods>>,
    failures: Count,
}

/// What is to be taken.
#[derive(Clone, Copy)]
pub(crate) struct Want {
    pub requests: u64,
    pub tokens: u64,
    pub money: Money,
}

/// Everything was taken, from the budgets of these periods.
pub(crate) struct Taken {
    pub standing: Standing,
    pub periods: Arc<Periods>,
}

impl RedisLimiter {
    /// Days and months begin by this offset. With a store, money survives an emptied Redis. Nothing is sent yet.
    /// `InvalidConfig` when the settings make no sense.
    pub fn new(settings: RedisSettings, offset: UtcOffset, store: Option<Arc<dyn BudgetStore>>) -> Result<Self> {
        Self::build(settings, offset, store, Clock::system(), false)
    }

    /// [`RedisLimiter::new`] by another clock than Redis's own, for tests. Leases still end by Redis's.
    pub fn with_clock(
        settings: RedisSettings,
        offset: UtcOffset,
        store: Option<Arc<dyn BudgetStore>>,
        clock: Clock,
    ) -> Result<Self> {
        Self::build(settings, offset, store, clock, true)
    }

    fn build(
        settings: RedisSettings,
        offset: UtcOffset,
        store: Option<Arc<dyn BudgetStore>>,
        clock: Clock,
        by_clock: bool,
    ) -> Result<Self> {
        settings.check()?;
        let shared = Shared {
            link: Link::new(&settings.url, settings.timeout())?,
            pending: Pending::new(settings.pending),
            running: Running::default(),
            ledger: store.map(Ledger::new),
            offset,
            periods: Mutex::new(Arc::new(Periods::at(clock.now_ms(), offset))),
            clock,
            by_clock,
            ahead_ms: AtomicI64::new(0),
            failures: Count::default(),
            settings,
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Connects now, rather than soon after [`RedisLimiter::run`] began. An error, which says what is wrong,
    /// does no harm: `run` goes on trying.
    pub async fn connect(&self) -> Result<()> {
        self.0.link.connect().await
    }

    /// Numbers for metrics.
    pub fn counters(&self) -> Counters {
        let shared = &self.0;
        Counters {
            failures: shared.failures.get(),
            lost: shared.link.losses.get(),
            dropped: shared.pending.dropped.get(),
            pending: shared.pending.count(),
            connected: shared.link.is_up(),
        }
    }
}

impl Shared {
    /// A call of the script with nothing to take.
    pub(crate) fn call<'a>(&'a self, step: Step, id: &'a str, subjects: &'a [Arc<Subject>]) -> Call<'a> {
        Call {
            step,
            prefix: &self.settings.prefix,
            now_ms: self.by_clock.then(|| self.clock.now_ms()),
            lease: self.settings.lease(),
            id,
            subjects,
            requests: 0,
            tokens: 0,
            money: Money::ZERO,
            periods: None,
            asks_seeds: false,
            seeds: &[],
        }
    }

    /// Takes from all subjects or from none.
    pub(crate) async fn take(
        &self,
        id: &str,
        subjects: &[Arc<Subject>],
        want: Want,
    ) -> Result<std::result::Result<Taken, Refusal>> {
        let mut seeds = Vec::new();
        for _ in 0..ATTEMPTS {
            let periods = self.periods();
            let call = Call {
                requests: want.requests,
                tokens: want.tokens,
                money: want.money,
                periods: Some(&periods),
                asks_seeds: self.ledger.is_some(),
                seeds: &seeds,
                ..self.call(Step::Take, id, subjects)
            };
            match self.ask(&call).await? {
                Kind::Taken(standing) => return Ok(Ok(Taken { standing, periods })),
                Kind::Refused(whose, limit, retry_after) => {
                    return Ok(Err(Refusal { subject: subjects[whose].clone(), limit, retry_after }));
                }
                Kind::Seed(lines) => seeds = self.seeds(&lines, subjects, &periods).await?,
                Kind::Period => seeds.clear(),
                _ => break,
            }
        }
        Err(Error::internal("The limits in Redis changed faster than they could be looked at."))
    }

    /// Asks Redis, after the settlements of the same tenant that wait.
    async fn ask(&self, call: &Call<'_>) -> Result<Kind> {
        let command = call.command();
        let tenant = call.subjects.first().map_or("", |subject| &subject.tenant);
        let mut unsettled = Unsettled { pending: &self.pending, settlements: self.pending.take_of(tenant) };
        let commands: Vec<_> = unsettled.settlements.iter().map(|s| &s.command).chain([&command]).collect();
        let sent = self.link.send(&commands).await.and_then(|sent| sent.ok_or_else(|| self.link.away()));
        let mut values = sent.inspect_err(|_| self.failures.add(1))?;
        let own = values.pop().unwrap_or_else(|| Err(self.link.away())).inspect_err(|_| self.failures.add(1));
        unsettled.keep_failed(values.iter().map(|value| value.is_err()));
        let answer = Answer::read(own?, call.subjects)?;
        if !self.by_clock {
            self.ahead_ms.store(answer.now_ms.saturating_sub(self.clock.now_ms()), Ordering::Relaxed);
        }
        Ok(answer.kind)
    }

    /// The periods of the server's time, as far as it is known here; the script looks at them again.
    fn periods(&self) -> Arc<Periods> {
        let now = self.now_ms();
        let mut current = self.periods.lock().unwrap_or_else(PoisonError::into_inner);
        if !current.contain(now) {
            *current = Arc::new(Periods::at(now, self.offset));
        }
        current.clone()
    }

    async fn seeds(&self, lines: &[Line], subjects: &[Arc<Subject>], periods: &Periods) -> Result<Vec<(Line, Money)>> {
        let mut seeds = Vec::with_capacity(lines.len());
        let Some(ledger) = &self.ledger else { return Ok(seeds) };
        // What was spent here a moment ago belongs to it.
        ledger.write().await?;
        for (whose, is_day) in lines {
            let period = if *is_day { &periods.day } else { &periods.month };
            seeds.push(((*whose, *is_day), ledger.seed(&subjects[*whose].id, &period.name).await?));
        }
        Ok(seeds)
    }

    async fn used(&self, subjects: &[Arc<Subject>]) -> Result<Vec<Used>> {
        for _ in 0..ATTEMPTS {
            let periods = self.periods();
            let call = Call { periods: Some(&periods), ..self.call(Step::Use, "", subjects) };
            let (mut all, unknown) = match self.ask(&call).await? {
                Kind::Used(all, unknown) => (all, unknown),
                Kind::Period => continue,
                _ => break,
            };
            for ((whose, is_day), money) in self.seeds(&unknown, subjects, &periods).await? {
                let used = &mut all[whose];
                let budget = if is_day { &mut used.day } else { &mut used.month };
                budget.iter_mut().for_each(|budget| budget.spent = money);
            }
            let now = self.now_ms();
            let rest = |to: i64| Duration::from_millis(u64::try_from(to.saturating_sub(now)).unwrap_or(0));
            for used in &mut all {
                used.day.iter_mut().for_each(|day| day.reset = rest(periods.day.to));
                used.month.iter_mut().for_each(|month| month.reset = rest(periods.month.to));
            }
            return Ok(all);
        }
        Err(Error::internal("Redis did not tell what is used of the limits."))
    }

    /// The server's time, as far as it is known here.
    fn now_ms(&self) -> i64 {
        self.clock.now_ms().saturating_add(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Puts what was used in the place of what was taken, as soon as Redis can be reached.
    pub(crate) fn settle(&self, id: &str, subjects: &[Arc<Subject>], tokens: u64, money: Money) {
        let Some(first) = subjects.first() else { return };
        let call = Call { tokens, money, ..self.call(Step::Settle, id, subjects) };
        let until = Instant::now() + self.settings.lease();
        self.pending.push(Settlement { tenant: first.tenant.clone(), command: call.command(), until });
    }
}

/// Settlements on their way: what was not acknowledged waits again, also when the caller went away.
pub(crate) struct Unsettled<'a> {
    pub pending: &'a Pending,
    pub settlements: Vec<Settlement>,
}

impl Unsettled<'_> {
    /// Redis answered: what it did is done.
    pub(crate) fn keep_failed(&mut self, failed: impl Iterator<Item = bool>) {
        let mut failed = failed;
        self.settlements.retain(|_| failed.next().unwrap_or(true));
    }
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        if !self.settlements.is_empty() {
            self.pending.put_back(std::mem::take(&mut self.settlements));
        }
    }
}

/// What may have been taken although nobody was told: it is given back unless this is disarmed.
struct Doubt<'a> {
    shared: &'a Shared,
    id: &'a str,
    subjects: &'a [Arc<Subject>],
    is_armed: bool,
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if self.is_armed {
            self.shared.settle(self.id, self.subjects, 0, Money::ZERO);
        }
    }
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn reserve(&self, claim: Claim) -> Result<Verdict> {
        let Claim { subjects, tokens, money } = claim;
        let id: Arc<str> = CallId::random().as_str().into();
        let want = Want { requests: 1, tokens, money };
        // While Redis is known to be away nothing is sent, and so nothing is in doubt.
        let is_armed = is_lasting(&subjects) && self.0.link.is_up();
        let mut doubt = Doubt { shared: &self.0, id: &id, subjects: &subjects, is_armed };
        let taken = self.0.take(&id, &subjects, want).await?;
        doubt.is_armed = false;
        drop(doubt);
        Ok(match taken {
            Ok(taken) => Verdict::Held(Box::new(RedisHold::new(self.0.clone(), id, subjects, want, taken))),
            Err(refusal) => Verdict::Refused(refusal),
        })
    }

    async fn standing(&self, subjects: &[Arc<Subject>]) -> Result<Standing> {
        match self.0.ask(&self.0.call(Step::Look, "", subjects)).await? {
            Kind::Standing(standing) => Ok(standing),
            _ => Err(Error::internal("Redis answered something else than a standing.")),
        }
    }

    async fn used(&self, subjects: &[Arc<Subject>]) -> Result<Vec<Used>> {
        self.0.used(subjects).await
    }
}
