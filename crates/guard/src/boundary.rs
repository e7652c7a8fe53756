//! What must stand, or must not, beside a match.
//!
//! It does not know patterns: they choose one of these.

use crate::fold::is_word;

/// A match counts only between such neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Boundary {
    /// Anything.
    None,
    /// No further digit: a number inside a longer number is none.
    Digit,
    /// Not inside a word of a script that puts spaces between words.
    Word,
    /// Not inside a longer address.
    Address,
}

impl Boundary {
    /// May a match begin with `first` after `before`?
    pub(crate) fn before(self, before: Option<char>, first: char) -> bool {
        let Some(before) = before else { return true };
        match self {
            Boundary::None => true,
            Boundary::Digit => !(before.is_ascii_digit() && first.is_ascii_digit()),
            Boundary::Word => !(is_word(before) && is_word(first)),
            Boundary::Address => !(before.is_ascii_alphanumeric() || matches!(before, '.' | '_' | '%' | '+' | '-')),
        }
    }

    /// May a match that ends with `last` stand before `after`?
    pub(crate) fn after(self, last: Option<char>, after: Option<char>) -> bool {
        let (Some(last), Some(after)) = (last, after) else { return true };
        match self {
            Boundary::None => true,
            Boundary::Digit => !after.is_ascii_digit(),
            Boundary::Word => !(is_word(last) && is_word(after)),
            Boundary::Address => !after.is_ascii_alphanumeric() && after != '_',
        }
    }
}
