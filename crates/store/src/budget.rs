//! Money that was spent in a day or a month, so that no restart forgets it.
//!
//! It does not know prices, limits' owners or calendars: accounts and periods are names here.
//!
//! A process (a *holder*) does not write each call's cost: it **draws** an amount ahead, and spends from
//! that. What was drawn counts as spent for everyone else, so that holders together never pass a limit,
//! and what a process had drawn when it was killed stays spent until [`BudgetStore::set_spent`] corrects it.

use async_trait::async_trait;
use yizhan_domain::{Money, Result};

/// Which account, in which period, e.g. `tenant:clinic` in `2026-11`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BudgetLine {
    /// Whose money.
    pub account: String,
    /// Of which day or month.
    pub period: String,
}

/// A wish to have drawn so much in all. It names totals and not differences, so that a wish that is
/// repeated, or whose answer was lost, does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// From what.
    pub line: BudgetLine,
    /// What the holder has spent or promised to calls under way; granted in any case, as it cannot be undone.
    pub used: Money,
    /// What it wants to have drawn in all; less than before gives the difference back.
    pub wanted: Money,
    /// What all holders together may have drawn.
    pub limit: Money,
}

/// What came of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// What this holder has drawn now, in all.
    pub total: Money,
    /// What the others have drawn or spent.
    pub others: Money,
}

impl Drawn {
    /// What a wish comes to where the others have drawn so much. Every driver grants by this rule.
    pub fn grant(draw: &Draw, others: Money) -> Self {
        let free = draw.limit - others;
        Self { total: draw.wanted.min(free).max(draw.used).max(Money::ZERO), others }
    }
}

/// Keeps what was drawn.
#[async_trait]
pub trait BudgetStore: Send + Sync {
    /// Draws for a holder, all wishes in one transaction; the answers are in their order.
    async fn draw(&self, holder: &str, draws: Vec<Draw>) -> Result<Vec<Drawn>>;

    /// What all holders have drawn or spent.
    async fn spent(&self, line: &BudgetLine) -> Result<Money>;

    /// Puts what the records of usage say in place of what was drawn, by whomever. To be called before
    /// anyone draws anew, such as after a crash: what a living holder spent would be counted twice.
    async fn set_spent(&self, line: &BudgetLine, amount: Money) -> Result<()>;

    /// Forgets all lines of this period.
    async fn forget_period(&self, period: &str) -> Result<()>;
}
