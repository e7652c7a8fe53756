//! Slots: the sequences of a context, what each has in the cache, and which one fits a prompt best.
//!
//! It does not know the native library; the scheduler does to the context what is decided here.

use super::answer::Run;
use crate::native::Token;

/// One sequence of the context.
pub(crate) struct Slot {
    /// The sequence's number.
    pub(crate) sequence: i32,
    /// Its tokens in the cache.
    pub(crate) cached: Vec<Token>,
    /// When it was last used, in steps.
    pub(crate) used: u64,
    /// When its run was admitted; the youngest gives way first.
    pub(crate) admitted: u64,
    /// What is being computed; `cached` is then a true prefix of the run's tokens.
    pub(crate) run: Option<Run>,
}

impl Slot {
    /// An empty slot.
    pub(crate) fn new(sequence: i32) -> Self {
        Self { sequence, cached: Vec::new(), used: 0, admitted: 0, run: None }
    }

    /// Tokens still to be computed.
    pub(crate) fn pending(&self) -> &[Token] {
        self.run.as_ref().map_or(&[], |run| run.tokens.get(self.cached.len()..).unwrap_or(&[]))
    }
}

/// Where a prompt goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The slot that takes it.
    pub(crate) slot: usize,
    /// The slot whose beginning it shares; the same one, or another.
    pub(crate) source: usize,
    /// How many tokens are shared.
    pub(crate) shared: usize,
}

/// Chooses a free slot for a prompt, reusing the longest beginning that any slot has. `can_cut` is false for
/// models whose cache can only be continued. At least one token is left to compute, for its logits.
pub(crate) fn place(slots: &[Slot], tokens: &[Token], can_cut: bool) -> Option<Placement> {
    let most = tokens.len().saturating_sub(1);
    let shared = |slot: &Slot| {
        let common = slot.cached.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        let usable = can_cut || (common == slot.cached.len() && slot.run.is_none());
        if usable && (can_cut || common <= most) { common.min(most) } else { 0 }
    };
    let free = |slot: &Slot| slot.run.is_none();
    let oldest = (0..slots.len()).filter(|&at| free(&slots[at])).min_by_key(|&at| slots[at].used)?;
    // Of equally long beginnings the free slot's is taken: nothing is copied then.
    let best = (0..slots.len()).max_by_key(|&at| (shared(&slots[at]), free(&slots[at])))?;
    let length = shared(&slots[best]);
    // Going on in a free slot drops what it has beyond; not worth it for a short common beginning.
    let goes_on = free(&slots[best]) && (length * 2 >= slots[best].cached.len() || !can_cut);
    match length {
        0 => Some(Placement { slot: oldest, source: oldest, shared: 0 }),
        _ if goes_on => Some(Placement { slot: best, source: best, shared: length }),
        // The only free slot is also the source: cut it rather than lose the beginning.
        _ if oldest == best => Some(Placement { slot: best, source: best, shared: length }),
        _ => Some(Placement { slot: oldest, source: best, shared: length }),
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
