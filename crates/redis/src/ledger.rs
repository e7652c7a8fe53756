//! What this process spent, for a store that outlives Redis.
//!
//! It does not know limits. Redis decides; the store only remembers, so that a Redis that was emptied can be
//! told what was spent before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use yizhan_domain::{CallId, Money, Result};
use yizhan_store::{BudgetLine, BudgetStore, Draw};

pub(crate) struct Ledger {
    store: Arc<dyn BudgetStore>,
    /// This process's name in the store: never that of an earlier one, whose spending stays spent.
    holder: String,
    spent: Mutex<HashMap<BudgetLine, Entry>>,
}

/// A line that has not changed for so long belongs to a period that is over: no month is longer.
const OVER: Duration = Duration::from_secs(40 * 86_400);

struct Entry {
    /// In all, since the process began.
    total: Money,
    written: Money,
    changed: Instant,
}

impl Entry {
    fn new() -> Self {
        Self { total: Money::ZERO, written: Money::ZERO, changed: Instant::now() }
    }
}

impl Ledger {
    pub(crate) fn new(store: Arc<dyn BudgetStore>) -> Self {
        Self { store, holder: CallId::random().to_string(), spent: Mutex::default() }
    }

    /// What all processes have spent, as far as the store was told.
    pub(crate) async fn seed(&self, account: &str, period: &str) -> Result<Money> {
        self.store.spent(&BudgetLine { account: account.to_owned(), period: period.to_owned() }).await
    }

    /// Notes what a call cost.
    pub(crate) fn add(&self, account: &str, period: &str, money: Money) {
        if money > Money::ZERO {
            let line = BudgetLine { account: account.to_owned(), period: period.to_owned() };
            let mut spent = self.spent();
            let entry = spent.entry(line).or_insert_with(Entry::new);
            entry.total += money;
            entry.changed = Instant::now();
        }
    }

    /// Tells the store what it was not told yet.
    pub(crate) async fn write(&self) -> Result<()> {
        let changed: Vec<(BudgetLine, Money)> = {
            let mut spent = self.spent();
            spent.retain(|_, entry| entry.total != entry.written || entry.changed.elapsed() < OVER);
            spent.iter().filter(|(_, e)| e.total != e.written).map(|(line, e)| (line.clone(), e.total)).collect()
        };
        if changed.is_empty() {
            return Ok(());
        }
        // What is spent cannot be refused, so the limit is none.
        let draw = |(line, total): &(BudgetLine, Money)| Draw {
            line: line.clone(),
            used: *total,
            wanted: *total,
            limit: Money(i64::MAX),
        };
        self.store.draw(&self.holder, changed.iter().map(draw).collect()).await?;
        let mut spent = self.spent();
        for (line, total) in changed {
            if let Some(entry) = spent.get_mut(&line) {
                entry.written = total;
            }
        }
        Ok(())
    }

    fn spent(&self) -> MutexGuard<'_, HashMap<BudgetLine, Entry>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
