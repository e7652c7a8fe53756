//! A byte that every match of a machine must pass, such as the `@` of an address, and what may stand before it.
//!
//! A word of letters may become an address at any time; nearly none does. Where the rest of the piece shows that the word
//! ends without the byte, no match begins in it, and none need be followed from letter to letter. It does not know
//! matches.

use crate::fold::fold_to_one;

/// Bytes that are tried, the rarest in texts first.
const CANDIDATES: &[u8] = b"@~^`|\\{}<>#$&*+=%?!;:/_()[]";
/// A run of fewer kinds of bytes is rare enough as it is.
const WORTHWHILE: u32 = 16;

/// The byte, and those of which a run before it is made; all are ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Neck {
    byte: u8,
    /// A bit for each byte.
    run: u128,
}

impl Neck {
    /// Of an automaton: `before(byte)` gives the bytes on all ways from its start without passing this one, or none when
    /// a match ends on one of them.
    pub(crate) fn find(before: impl Fn(u8) -> Option<Vec<u8>>) -> Option<Self> {
        let neck = |&byte: &u8| {
            let bytes = before(byte)?;
            let is_ascii = bytes.iter().all(u8::is_ascii);
            let run = bytes.iter().filter(|byte| byte.is_ascii()).fold(0, |run, &byte| run | 1u128 << byte);
            (is_ascii && run.count_ones() >= WORTHWHILE).then_some(Self { byte, run })
        };
        CANDIDATES.iter().find_map(neck)
    }

    /// Looks at what follows a byte of a run: how far the run goes on, and whether it is sure to end there without the
    /// byte. It holds for the whole run, so that nobody need look twice.
    pub(crate) fn look(&self, ahead: &str) -> (usize, bool) {
        let in_run = |byte: u8| byte.is_ascii() && self.run & (1 << byte.to_ascii_lowercase()) != 0;
        let Some(length) = ahead.bytes().position(|byte| !in_run(byte)) else { return (ahead.len(), false) };
        let next = ahead[length..].chars().next().and_then(fold_to_one);
        let misses = next.is_some_and(|next| match u8::try_from(next) {
            Ok(byte) => byte != self.byte && !in_run(byte),
            Err(_) => true,
        });
        (length, misses)
    }
}

#[cfg(test)]
#[path = "neck_tests.rs"]
mod tests;
