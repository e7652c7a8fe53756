//! What of a text goes into an error: errors quote what the caller sent, and they may have sent ten megabytes.
//!
//! It does not know errors.

use std::borrow::Cow;

/// Most bytes of a text in an error.
const MOST: usize = 4000;

/// Most bytes of its end: what to do stands there.
const END: usize = 500;

/// The text, or its beginning and end when it is too long.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if text.len() <= MOST {
        return Cow::Borrowed(text);
    }
    let begin = &text[..text.floor_char_boundary(MOST - END)];
    let end = &text[text.ceil_char_boundary(text.len() - END)..];
    Cow::Owned(format!("{begin} … {end}"))
}

#[cfg(test)]
#[path = "shown_tests.rs"]
mod tests;
