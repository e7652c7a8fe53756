//! One budget of one period in this process: what was drawn from the store, and what became of it.
//!
//! It does not know the store, or how periods follow each other.

use crate::calendar::Period;
use yizhan_domain::Money;
use yizhan_store::Drawn;

/// How long the store's answer that nothing is left is believed, in milliseconds; another process may
/// give something back meanwhile.
const DRY_FOR: i64 = 1000;

/// A draw takes this part of what is left beside what is needed, so that draws are rare while there is
/// much, and nothing lies idle when there is little.
const SHARE: i64 = 32;

#[derive(Debug)]
pub(super) struct Budget {
    pub period: Period,
    /// Drawn from the store by this process in this period.
    drawn: Money,
    /// Of that: spent by calls that ended.
    used: Money,
    /// Of that: promised to calls under way.
    held: Money,
    /// What other processes had drawn when the store was last asked.
    others: Money,
    /// The store was asked in vain, and under which limit.
    dry: Option<(i64, Money)>,
    /// A draw ahead was asked for.
    pub asked: bool,
    /// Something was taken since idle budgets were last looked for.
    pub touched: bool,
}

/// May an amount be taken?
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// It is in hand.
    Covered,
    /// The store has to be asked.
    Short,
    /// The budget is used up.
    Exhausted,
}

impl Budget {
    /// Without a store there is nobody to draw from: everything is in hand.
    pub(super) fn new(period: Period, has_store: bool) -> Self {
        let none = Money::ZERO;
        let drawn = if has_store { none } else { Money(i64::MAX / 4) };
        Self { period, drawn, used: none, held: none, others: none, dry: None, asked: false, touched: false }
    }

    /// What is spent or promised.
    pub(super) fn committed(&self) -> Money {
        self.used + self.held
    }

    /// What this process has drawn.
    pub(super) fn drawn(&self) -> Money {
        self.drawn
    }

    fn in_hand(&self) -> Money {
        self.drawn - self.committed()
    }

    pub(super) fn cover(&self, amount: Money, limit: Money, now: i64) -> Cover {
        if amount <= Money::ZERO && self.committed() <= limit {
            return Cover::Covered;
        }
        // Known to be beyond the limit, whatever the others do.
        if self.committed() + amount > limit {
            return Cover::Exhausted;
        }
        if self.in_hand() >= amount && self.committed() + amount + self.others <= limit {
            return Cover::Covered;
        }
        let is_dry = |(at, under): (i64, Money)| limit <= under && (0..DRY_FOR).contains(&now.saturating_sub(at));
        if self.dry.is_some_and(is_dry) { Cover::Exhausted } else { Cover::Short }
    }

    /// What to have drawn in all, so that the amount is covered and some of what follows.
    pub(super) fn wanted(&self, amount: Money, limit: Money) -> Money {
        let needed = self.committed() + amount;
        let left = (limit - self.others - needed).max(Money::ZERO);
        needed + Money(left.0 / SHARE)
    }

    /// Is it time to draw ahead?
    pub(super) fn is_low(&self, limit: Money) -> bool {
        let ahead = self.wanted(Money::ZERO, limit) - self.committed();
        self.dry.is_none() && self.in_hand() < Money(ahead.0 / 4)
    }

    /// The store's answer to a wish that was to cover an amount.
    pub(super) fn deposit(&mut self, drawn: Drawn, amount: Money, limit: Money, now: i64) {
        (self.drawn, self.others, self.asked) = (drawn.total, drawn.others, false);
        self.dry = (self.in_hand() < amount || drawn.total + drawn.others >= limit).then_some((now, limit));
    }

    /// What is in hand is no longer counted on, because it is about to be given back. False when the store
    /// knows already what there is to know.
    pub(super) fn let_go(&mut self) -> bool {
        let has_some = self.in_hand() != Money::ZERO;
        self.drawn = self.drawn.min(self.committed());
        has_some
    }

    /// The store's answer to a wish to give back.
    pub(super) fn gave_back(&mut self, drawn: Drawn) {
        (self.drawn, self.others) = (drawn.total, drawn.others);
    }

    pub(super) fn take(&mut self, amount: Money) {
        self.held += amount;
        self.touched = true;
    }

    pub(super) fn settle(&mut self, held: Money, used: Money) {
        self.held = self.held - held;
        self.used += used;
    }

    /// Nothing of it needs to be remembered.
    pub(super) fn is_idle(&self) -> bool {
        self.committed() == Money::ZERO && self.drawn == Money::ZERO
    }

    /// No call under way will change it any more.
    pub(super) fn is_over(&self) -> bool {
        self.held <= Money::ZERO
    }
}
