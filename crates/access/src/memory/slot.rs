//! The state of every subject, and the one step that takes from several of them.
//!
//! It does not wait or ask anyone: what the store has to say is brought to it.

use super::budget::{Budget, Cover};
use super::window::{Span, Window};
use crate::calendar::{Period, UtcOffset};
use crate::limiter::{Limit, Refusal, Subject, Used};
use crate::{Level, Standing};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use yizhan_domain::Money;
use yizhan_store::{BudgetLine, Draw, Drawn};

const MINUTE: Span = Span { length: 60_000, grain: 60 };

/// Concurrency says nothing of when a call ends.
const CONCURRENCY_WAIT: Duration = Duration::from_secs(1);

/// What is wanted of each subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    pub requests: u64,
    pub tokens: u64,
    pub money: Money,
}

/// What was taken of each subject, and under which time it can be given back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    at: i64,
    tokens: u64,
    day: Period,
    month: Period,
    money: Money,
}

impl Taken {
    pub(super) fn is_same_time(&self, other: &Taken) -> bool {
        (self.at, self.day, self.month) == (other.at, other.day, other.month)
    }

    pub(super) fn merge(&mut self, other: &Taken) {
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.money += other.money;
    }
}

/// What came of trying.
pub(super) enum Attempt {
    Taken(Taken, Standing),
    Refused(Refusal),
    /// The store has to be asked for these first.
    Short(Vec<Wish>),
}

impl Attempt {
    pub(super) fn decided(self) -> Option<Result<(Taken, Standing), Refusal>> {
        match self {
            Attempt::Taken(taken, standing) => Some(Ok((taken, standing))),
            Attempt::Refused(refusal) => Some(Err(refusal)),
            Attempt::Short(_) => None,
        }
    }
}

/// What to ask the store for.
pub(super) struct Wish {
    subject: Arc<Subject>,
    period: Period,
    amount: Money,
    limit: Money,
    committed: Money,
    wanted: Money,
}

impl Wish {
    fn new(subject: &Arc<Subject>, budget: &Budget, amount: Money, limit: Money) -> Self {
        let wanted = budget.wanted(amount, limit);
        Self { subject: subject.clone(), period: budget.period, amount, limit, committed: budget.committed(), wanted }
    }

    pub(super) fn draw(&self) -> Draw {
        let line = BudgetLine { account: self.subject.id.to_string(), period: self.period.name() };
        Draw { line, used: self.committed, wanted: self.wanted, limit: self.limit }
    }
}

#[derive(Default)]
struct Slot {
    requests: Window,
    tokens: Window,
    running: u64,
    day: Option<Budget>,
    month: Option<Budget>,
}

pub(super) struct State {
    slots: HashMap<Arc<str>, Slot>,
    /// Budgets of periods that are over, from which something is held or in hand.
    past: Vec<(Arc<str>, Budget)>,
    /// Whose budgets are low.
    low: Vec<Arc<Subject>>,
    /// How many slots there were after the last sweep.
    swept: usize,
    has_store: bool,
}

impl State {
    pub(super) fn new(has_store: bool) -> Self {
        Self { slots: HashMap::new(), past: Vec::new(), low: Vec::new(), swept: 0, has_store }
    }

    pub(super) fn has_low(&self) -> bool {
        !self.low.is_empty()
    }

    /// Takes from all or from none.
    pub(super) fn attempt(&mut self, subjects: &[Arc<Subject>], want: Want, now: i64, zone: UtcOffset) -> Attempt {
        let (day, month) = (Period::day(now, zone), Period::month(now, zone));
        let (mut refusal, mut wishes): (Option<Refusal>, Vec<Wish>) = (None, Vec::new());
        for subject in subjects {
            self.prepare(subject, day, month, now);
            let Some(slot) = self.slots.get_mut(&subject.id) else { continue };
            let mut refused = slot.refusal(subject, want, now);
            for (limit, amount, budget) in slot.budgets(subject) {
                match budget.cover(want.money, amount, now) {
                    Cover::Covered => {}
                    Cover::Short => wishes.push(Wish::new(subject, budget, want.money, amount)),
                    Cover::Exhausted => {
                        refused = later(refused, Some((limit, Some(budget.period.rest(now, zone)))));
                    }
                }
            }
            if let Some((limit, retry_after)) = refused
                && refusal.as_ref().is_none_or(|other| is_later(retry_after, other.retry_after))
            {
                refusal = Some(Refusal { subject: subject.clone(), limit, retry_after });
            }
        }
        match refusal {
            Some(refusal) => Attempt::Refused(refusal),
            None if !wishes.is_empty() => Attempt::Short(wishes),
            None => {
                let standing = self.take(subjects, want, now);
                let taken = Taken { at: MINUTE.tick(now), tokens: want.tokens, day, month, money: want.money };
                Attempt::Taken(taken, standing)
            }
        }
    }

    fn take(&mut self, subjects: &[Arc<Subject>], want: Want, now: i64) -> Standing {
        let mut standing = Standing::default();
        for subject in subjects {
            let Some(slot) = self.slots.get_mut(&subject.id) else { continue };
            slot.running += want.requests;
            if let Some(rate) = subject.requests.filter(|_| want.requests > 0) {
                slot.requests.add(now, Span::new(rate.span_ms), want.requests);
            }
            if subject.tokens_per_minute.is_some() && want.tokens > 0 {
                slot.tokens.add(now, MINUTE, want.tokens);
            }
            let mut is_low = false;
            for (_, limit, budget) in slot.budgets(subject) {
                budget.take(want.money);
                if !budget.asked && budget.is_low(limit) {
                    budget.asked = true;
                    is_low = true;
                }
            }
            standing = slot.standing(subject, standing, now);
            if is_low {
                self.low.push(subject.clone());
            }
        }
        standing
    }

    /// Makes sure that the subject has a slot, with budgets of these periods.
    fn prepare(&mut self, subject: &Arc<Subject>, day: Period, month: Period, now: i64) {
        if !self.slots.contains_key(&subject.id) {
            self.sweep(now);
            self.slots.insert(subject.id.clone(), Slot::default());
        }
        let Some(slot) = self.slots.get_mut(&subject.id) else { return };
        let pairs = [(&mut slot.day, subject.per_day, day), (&mut slot.month, subject.per_month, month)];
        for (budget, limit, period) in pairs {
            if limit.is_none() || budget.as_ref().is_some_and(|budget| budget.period == period) {
                continue;
            }
            // Without a store there is nothing to give back.
            let old = budget.replace(Budget::new(period, self.has_store));
            self.past.extend(old.filter(|old| self.has_store || !old.is_over()).map(|old| (subject.id.clone(), old)));
        }
    }

    /// Forgets subjects of which nothing is known that matters, each time their number has doubled.
    fn sweep(&mut self, now: i64) {
        if self.slots.len() < 2 * self.swept + 1024 {
            return;
        }
        self.slots.retain(|_, slot| !slot.is_idle(now));
        self.swept = self.slots.len();
    }

    /// Puts what was used in the place of what was taken.
    pub(super) fn settle(&mut self, subjects: &[Arc<Subject>], parts: &[Taken], tokens: u64, money: Money, now: i64) {
        for subject in subjects {
            if let Some(slot) = self.slots.get_mut(&subject.id) {
                slot.running = slot.running.saturating_sub(1);
            }
        }
        let (mut tokens, mut money) = (tokens, money);
        for (number, part) in parts.iter().enumerate() {
            let is_last = number + 1 == parts.len();
            let used_tokens = if is_last { tokens } else { tokens.min(part.tokens) };
            let used_money = if is_last { money } else { money.min(part.money) };
            (tokens, money) = (tokens - used_tokens, money - used_money);
            for subject in subjects {
                self.settle_part(subject, part, used_tokens, used_money, now);
            }
        }
        if !self.has_store {
            self.past.retain(|(_, budget)| !budget.is_over());
        }
    }

    fn settle_part(&mut self, subject: &Subject, part: &Taken, tokens: u64, money: Money, now: i64) {
        if let Some(slot) = self.slots.get_mut(&subject.id)
            && subject.tokens_per_minute.is_some()
        {
            match part.tokens.checked_sub(tokens) {
                Some(unused) => slot.tokens.take_back(part.at, unused),
                None => drop(slot.tokens.add(now, MINUTE, tokens - part.tokens)),
            }
        }
        for (limit, period) in [(subject.per_day, part.day), (subject.per_month, part.month)] {
            if let Some(budget) = limit.and_then(|_| self.budget(&subject.id, period)) {
                budget.settle(part.money, money);
            }
        }
    }

    fn budget(&mut self, id: &Arc<str>, period: Period) -> Option<&mut Budget> {
        let slot = self.slots.get_mut(id);
        let current =
            slot.and_then(|slot| [&mut slot.day, &mut slot.month].into_iter().flatten().find(|b| b.period == period));
        current.or_else(|| self.past.iter_mut().find(|(own, b)| own == id && b.period == period).map(|(_, b)| b))
    }

    /// What to draw for the budgets that are low.
    pub(super) fn wishes_ahead(&mut self, now: i64, zone: UtcOffset) -> Vec<Wish> {
        let current = [Period::day(now, zone), Period::month(now, zone)];
        let mut wishes = Vec::new();
        for subject in std::mem::take(&mut self.low) {
            let Some(slot) = self.slots.get_mut(&subject.id) else { continue };
            for (_, limit, budget) in slot.budgets(&subject) {
                budget.asked = false;
                if current.contains(&budget.period) && budget.is_low(limit) {
                    wishes.push(Wish::new(&subject, budget, Money::ZERO, limit));
                }
            }
        }
        wishes
    }

    pub(super) fn deposit(&mut self, wish: &Wish, drawn: Drawn, now: i64) {
        if let Some(budget) = self.budget(&wish.subject.id, wish.period) {
            budget.deposit(drawn, wish.amount, wish.limit, now);
        }
    }

    /// Of which budgets something is to be given back: what is spent or promised of each remains.
    pub(super) fn let_go(&mut self, only_idle: bool, now: i64, zone: UtcOffset) -> Vec<(Arc<str>, Period, Money)> {
        let current = [Period::day(now, zone), Period::month(now, zone)];
        let mut lines = Vec::new();
        let mut look = |id: &Arc<str>, budget: &mut Budget| {
            let was_touched = std::mem::take(&mut budget.touched);
            let is_over = !current.contains(&budget.period);
            if (is_over || !was_touched || !only_idle) && budget.let_go() {
                lines.push((id.clone(), budget.period, budget.committed()));
            }
        };
        for (id, slot) in &mut self.slots {
            [&mut slot.day, &mut slot.month].into_iter().flatten().for_each(|budget| look(id, budget));
        }
        self.past.iter_mut().for_each(|(id, budget)| look(id, budget));
        self.past.retain(|(_, budget)| !budget.is_over());
        lines
    }

    pub(super) fn gave_back(&mut self, id: &Arc<str>, period: Period, drawn: Drawn) {
        if let Some(budget) = self.budget(id, period) {
            budget.gave_back(drawn);
        }
    }

    pub(super) fn standing(&mut self, subjects: &[Arc<Subject>], now: i64) -> Standing {
        let mut idle = Slot::default();
        subjects.iter().fold(Standing::default(), |standing, subject| {
            self.slots.get_mut(&subject.id).unwrap_or(&mut idle).standing(subject, standing, now)
        })
    }
}

impl State {
    /// What it has used, but for money.
    pub(super) fn used(&mut self, subject: &Subject, now: i64) -> Used {
        let mut idle = Slot::default();
        let slot = self.slots.get_mut(&subject.id).unwrap_or(&mut idle);
        let Standing { requests, tokens } = slot.standing(subject, Standing::default(), now);
        let level = |limit: u64| Level { limit, remaining: limit.saturating_sub(slot.running), reset: Duration::ZERO };
        Used { requests, tokens, concurrent: subject.concurrent.map(level), ..Used::default() }
    }

    /// What this process has spent or promised of a budget, and what it has drawn.
    pub(super) fn own_money(&mut self, id: &Arc<str>, period: Period) -> (Money, Money) {
        self.budget(id, period).map_or_else(Default::default, |budget| (budget.committed(), budget.drawn()))
    }
}

impl Slot {
    /// Which limit but those of money is in the way, and for how long.
    fn refusal(&mut self, subject: &Subject, want: Want, now: i64) -> Option<(Limit, Option<Duration>)> {
        let mut refused = None;
        if let Some(rate) = subject.requests.filter(|_| want.requests > 0) {
            let span = Span::new(rate.span_ms);
            let sum = self.requests.sum(now, span);
            let excess = (sum + want.requests).saturating_sub(rate.count);
            if excess > 0 {
                refused = Some((Limit::Requests, Some(self.requests.wait(now, span, excess))));
            }
        }
        if let Some(limit) = subject.tokens_per_minute.filter(|_| want.tokens > 0) {
            let excess = self.tokens.sum(now, MINUTE).saturating_add(want.tokens).saturating_sub(limit);
            if excess > 0 {
                let wait = (want.tokens <= limit).then(|| self.tokens.wait(now, MINUTE, excess));
                refused = later(refused, Some((Limit::Tokens, wait)));
            }
        }
        if subject.concurrent.is_some_and(|limit| want.requests > 0 && self.running >= limit) {
            refused = later(refused, Some((Limit::Concurrency, Some(CONCURRENCY_WAIT))));
        }
        refused
    }

    /// The budgets that are limited, with their limits.
    fn budgets<'a>(&'a mut self, subject: &Subject) -> impl Iterator<Item = (Limit, Money, &'a mut Budget)> + use<'a> {
        let day = subject.per_day.zip(self.day.as_mut()).map(|(limit, budget)| (Limit::Day, limit, budget));
        let month = subject.per_month.zip(self.month.as_mut()).map(|(limit, budget)| (Limit::Month, limit, budget));
        day.into_iter().chain(month)
    }

    fn standing(&mut self, subject: &Subject, standing: Standing, now: i64) -> Standing {
        let requests = subject.requests.map(|rate| {
            let span = Span::new(rate.span_ms);
            let remaining = rate.count.saturating_sub(self.requests.sum(now, span));
            Level { limit: rate.count, remaining, reset: self.requests.reset(now, span) }
        });
        let tokens = subject.tokens_per_minute.map(|limit| {
            let remaining = limit.saturating_sub(self.tokens.sum(now, MINUTE));
            Level { limit, remaining, reset: self.tokens.reset(now, MINUTE) }
        });
        standing.and(requests, tokens)
    }

    fn is_idle(&mut self, now: i64) -> bool {
        // The longest span of requests that can be configured is an hour's.
        let hour = Span { length: 3_600_000, grain: 1 };
        self.requests.sum(now, hour);
        self.tokens.sum(now, MINUTE);
        let is_idle = |budget: &Option<Budget>| budget.as_ref().is_none_or(Budget::is_idle);
        self.running == 0
            && self.requests.is_empty()
            && self.tokens.is_empty()
            && is_idle(&self.day)
            && is_idle(&self.month)
    }
}

/// Of two waits, is the first the longer? None is for ever.
fn is_later(one: Option<Duration>, other: Option<Duration>) -> bool {
    match (one, other) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(one), Some(other)) => one > other,
    }
}

fn later(
    one: Option<(Limit, Option<Duration>)>,
    other: Option<(Limit, Option<Duration>)>,
) -> Option<(Limit, Option<Duration>)> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if is_later(other.1, one.1) { other } else { one }),
        (one, other) => one.or(other),
    }
}
