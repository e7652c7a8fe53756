//! Capacity that a call holds while it runs: a request, tokens and money of everyone who pays for it.
//!
//! It does not know where limits are held, or what a token costs.

use crate::Standing;
use crate::limiter::{Hold, Refusal};
use crate::limits::OnFailure;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use yizhan_domain::{ModelName, Money, Result};

/// Output tokens that are set aside at first, and again each time, for a call that names no maximum.
pub const OUTPUT_SLICE: u64 = 512;

/// What a call is about to use.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The model, by the name that the caller gave.
    pub model: ModelName,
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// The longest answer, if the call says; otherwise [`OUTPUT_SLICE`] is set aside at first.
    pub max_output_tokens: Option<u64>,
    /// What the prompt costs with the longest answer, or with a slice of it.
    pub money: Money,
}

impl Ask {
    /// Tokens to set aside.
    pub fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.max_output_tokens.unwrap_or(OUTPUT_SLICE))
    }
}

/// One call's share of the capacity.
///
/// A call that ends is to be settled with what it used. One that is dropped unsettled, also because the
/// client went away, gets everything back but the request: whoever streams has to settle when it is
/// dropped too, or what the provider sent already is given away.
#[must_use = "the call holds nothing once its permit is dropped"]
pub struct Permit {
    hold: Option<Box<dyn Hold>>,
    on_failure: OnFailure,
    prompt_tokens: u64,
    tokens: u64,
    money: Money,
    standing: Standing,
    refused: Option<Refusal>,
    _active: Active,
}

/// Counts the calls under way.
struct Active(Arc<AtomicUsize>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Permit {
    /// Without a hold nothing is limited.
    pub(crate) fn new(
        hold: Option<Box<dyn Hold>>,
        ask: &Ask,
        on_failure: OnFailure,
        active: &Arc<AtomicUsize>,
    ) -> Self {
        active.fetch_add(1, Ordering::Relaxed);
        let standing = hold.as_ref().map(|hold| hold.standing()).unwrap_or_default();
        Self {
            hold,
            on_failure,
            prompt_tokens: ask.prompt_tokens,
            tokens: ask.tokens(),
            money: ask.money,
            standing,
            refused: None,
            _active: Active(active.clone()),
        }
    }

    /// Tokens that are set aside, those of the prompt included.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Money that is set aside.
    pub fn money(&self) -> Money {
        self.money
    }

    /// How long the answer may become with what is set aside.
    pub fn remaining_output(&self) -> u64 {
        self.tokens.saturating_sub(self.prompt_tokens)
    }

    /// How near the caller was to their limits when this was taken last; for the reply's headers.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The limit that was in the way when more was to be set aside last, if one was.
    pub fn refused_by(&self) -> Option<String> {
        self.refused.as_ref().map(Refusal::name)
    }

    /// Sets more aside for a prompt that turned out longer, such as by passages from documents.
    /// `RateLimited` or `BudgetExceeded` when there is no more; what is held already stays held.
    pub async fn top_up_prompt(&mut self, more_tokens: u64, more_money: Money) -> Result<()> {
        self.top_up(more_tokens, more_money).await?;
        self.prompt_tokens = self.prompt_tokens.saturating_add(more_tokens);
        Ok(())
    }

    /// Sets more aside for the answer. Errors as for the prompt; `Overloaded` when the limits cannot be checked
    /// and calls are to be refused then.
    pub async fn top_up(&mut self, more_tokens: u64, more_money: Money) -> Result<()> {
        let refusal = self.extend(more_tokens, more_money).await?;
        self.refused.clone_from(&refusal);
        refusal.map_or(Ok(()), |refusal| Err(refusal.into_error()))
    }

    async fn extend(&mut self, tokens: u64, money: Money) -> Result<Option<Refusal>> {
        let money = money.max(Money::ZERO);
        if (tokens, money) == (0, Money::ZERO) {
            return Ok(None);
        }
        if let Some(hold) = &mut self.hold {
            match hold.top_up(tokens, money).await {
                Ok(Some(refusal)) => return Ok(Some(refusal)),
                Ok(None) => self.standing = hold.standing(),
                // What was used is settled all the same.
                Err(cause) => self.on_failure.outcome(&cause)?,
            }
        }
        self.tokens = self.tokens.saturating_add(tokens);
        self.money += money;
        Ok(None)
    }

    /// Makes sure that an answer of so many tokens, which brings the call's cost to so much, is
    /// covered: to be called before each piece of a stream is passed on, which costs nothing while it
    /// is. When it is not, a slice is set aside, or, near the end of a budget, just what is missing. An
    /// error means that the stream ends here.
    pub async fn cover(&mut self, output_tokens: u64, money: Money) -> Result<()> {
        let tokens = self.prompt_tokens.saturating_add(output_tokens);
        let missing = (tokens.saturating_sub(self.tokens), (money - self.money).max(Money::ZERO));
        if missing == (0, Money::ZERO) {
            return Ok(());
        }
        // As much for each of the slice's tokens as each has cost so far.
        let slice = missing.0.max(OUTPUT_SLICE);
        let price = money.0 / i64::try_from(tokens.max(1)).unwrap_or(i64::MAX);
        let slice_money = missing.1.max(Money(price).times(slice));
        match self.extend(slice, slice_money).await? {
            None => Ok(()),
            Some(_) => self.top_up(missing.0, missing.1).await,
        }
    }

    /// Ends the call with what it used: the rest goes back, or what is missing is taken, even beyond
    /// a limit.
    pub fn settle(mut self, tokens: u64, money: Money) {
        self.end(tokens, money);
    }

    fn end(&mut self, tokens: u64, money: Money) {
        if let Some(hold) = self.hold.take() {
            hold.settle(tokens, money.max(Money::ZERO));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.end(0, Money::ZERO);
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Permit({} tokens, {})", self.tokens, self.money)
    }
}
