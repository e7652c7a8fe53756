//! The marks that begin list items and captions in text without markup.
//!
//! It does not know lists that the format itself marks.

const BULLETS: [char; 22] = [
    '•', '◦', '▪', '▫', '■', '□', '●', '○', '‣', '⁃', '∙', '·', '–', '➢', '➤', '✓', '✔', '◆', '◇', '►', '\u{f0b7}',
    '\u{f0a7}',
];

/// Whether the whole text is a marker.
pub(crate) fn is_marker(text: &str) -> bool {
    marker_length(text).is_some_and(|length| length == text.trim_end().len())
}

/// Bytes of the marker that the text begins with: a bullet, `1.`, `(a)`, `1)`, `（一）`, `①`, `一、`.
///
/// A number alone is not one, nor is a section's number such as `2.1`.
pub(crate) fn marker_length(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    let after = &text[first.len_utf8()..];
    if BULLETS.contains(&first) || matches!(first, '①'..='⑳') {
        return Some(first.len_utf8());
    }
    if matches!(first, '-' | '*' | '+') {
        return (after.is_empty() || after.starts_with(' ')).then_some(1);
    }
    let opened = matches!(first, '(' | '（');
    let body = if opened { after } else { text };
    let length = label_length(body)?;
    let closing = body[length..].chars().next()?;
    let end = text.len() - body.len() + length + closing.len_utf8();
    let rest = &text[end..];
    let ascii_ok = rest.is_empty() || rest.starts_with(' ') || rest.chars().next().is_some_and(crate::wrap::is_wide);
    let good = match closing {
        ')' => ascii_ok,
        '）' => true,
        '.' | '．' => !opened && ascii_ok,
        '、' => !opened,
        _ => false,
    };
    good.then_some(end)
}

/// Whether a line begins like a caption: `Table 3: …`, `Figure 2.1 …`, `表 4-1 …`, `图 5：…`.
pub(crate) fn is_caption(text: &str) -> bool {
    let rest = ["Table ", "Figure ", "Fig. ", "TABLE ", "FIGURE ", "表", "图", "圖"]
        .iter()
        .find_map(|word| text.strip_prefix(word));
    let Some(rest) = rest else { return false };
    let rest = rest.trim_start();
    let number = rest.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')).count();
    let behind = rest[number..].chars().next();
    number > 0
        && rest.starts_with(|ch: char| ch.is_ascii_digit())
        && text.chars().count() < 160
        && behind.is_none_or(|ch| matches!(ch, ':' | '：' | ' ' | '　'))
}

/// Bytes of a number, a single letter, or a Chinese numeral.
fn label_length(text: &str) -> Option<usize> {
    let count = |test: fn(char) -> bool| text.chars().take_while(|&ch| test(ch)).map(char::len_utf8).sum::<usize>();
    let digits = count(|ch| ch.is_ascii_digit());
    if (1..=3).contains(&digits) {
        return Some(digits);
    }
    let han = count(|ch| "一二三四五六七八九十".contains(ch));
    if (3..=9).contains(&han) {
        return Some(han);
    }
    let letters = count(|ch| ch.is_ascii_alphabetic());
    let roman = text.chars().take(letters).all(|ch| matches!(ch, 'i' | 'v' | 'x'));
    (letters == 1 || (letters > 1 && letters <= 4 && roman)).then_some(letters)
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
