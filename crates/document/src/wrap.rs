//! How two lines of one paragraph are joined.
//!
//! It does not know where the lines come from.

/// Prepares `text` for the next line of its paragraph: a space between words, none between
/// Chinese characters, and none after a hyphen.
pub(crate) fn join(text: &mut String, next: &str) {
    let (Some(before), Some(after)) = (text.chars().next_back(), next.chars().next()) else { return };
    if !(before.is_whitespace() || before == '-' || (is_wide(before) && is_wide(after))) {
        text.push(' ');
    }
}

/// Characters that are written without spaces between them.
pub(crate) fn is_wide(ch: char) -> bool {
    matches!(ch,
        '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{33ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}'
        | '\u{20000}'..='\u{3ffff}' | '“' | '”' | '‘' | '’' | '…' | '—')
}
