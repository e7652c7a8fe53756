//! A cell's value as the spreadsheet shows it: dates, percentages, thousands, decimals, currency.
//!
//! It does not know colours, conditions or locales; what it cannot show so, it shows plainly.

use calamine::{DataRef, ExcelDateTime};

/// The text of a value under a number format such as `#,##0.00` or `yyyy"年"m"月"`.
pub(super) fn show(value: &DataRef<'_>, format: Option<&str>) -> String {
    match value {
        DataRef::Int(value) => number(*value as f64, format),
        DataRef::Float(value) => number(*value, format),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.trim().to_owned(),
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(value) => date(value),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// ISO 8601, without a time at midnight; spans of time as `h:mm:ss`.
fn date(value: &ExcelDateTime) -> String {
    if value.is_duration() {
        let seconds = (value.as_f64() * 86_400.0).round() as i64;
        return format!("{}:{:02}:{:02}", seconds / 3600, (seconds / 60 % 60).abs(), (seconds % 60).abs());
    }
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    let time = match (hour, minute, second) {
        (0, 0, 0) => String::new(),
        (_, _, 0) => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    match (value.as_f64() < 1.0, time.is_empty()) {
        (true, false) => time,
        (_, true) => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02} {time}"),
    }
}

fn number(value: f64, format: Option<&str>) -> String {
    let format = format.unwrap_or("General");
    let mut sections = format.split(';');
    let positive = sections.next().unwrap_or(format);
    let pattern = match sections.next() {
        Some(negative) if value < 0.0 => negative,
        _ => positive,
    };
    let own_sign = value < 0.0 && pattern != positive;
    let (before, digits, after) = parts(pattern);
    if digits.is_empty() || pattern.eq_ignore_ascii_case("general") || pattern.contains(['E', '/', '?', '@']) {
        return plain(value);
    }
    let percent = pattern.contains('%');
    let shown = if percent { value * 100.0 } else { value };
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len().min(15));
    let mut text = format!("{:.decimals$}", shown.abs());
    // Digits that the format leaves open are not shown.
    let optional = digits.bytes().rev().take_while(|byte| *byte == b'#').count();
    if decimals > 0 {
        for _ in 0..optional.min(decimals) {
            if !text.ends_with('0') {
                break;
            }
            text.pop();
        }
        if text.ends_with('.') {
            text.pop();
        }
    }
    if digits.split('.').next().is_some_and(|whole| whole.contains(',')) {
        text = thousands(&text);
    }
    let sign = if shown < 0.0 && !own_sign { "-" } else { "" };
    format!("{sign}{before}{text}{after}").trim().to_owned()
}

/// The literal text before the digits, the digits' pattern, and the text after.
fn parts(pattern: &str) -> (String, String, String) {
    let (mut before, mut digits, mut after) = (String::new(), String::new(), String::new());
    let mut chars = pattern.chars();
    while let Some(ch) = chars.next() {
        let literal = match ch {
            '0' | '#' | '.' | ',' if after.is_empty() => {
                digits.push(ch);
                continue;
            }
            '"' => chars.by_ref().take_while(|&ch| ch != '"').collect(),
            // `[$¥-804]` is a currency, `[Red]` a colour.
            '[' => {
                let inside: String = chars.by_ref().take_while(|&ch| ch != ']').collect();
                inside.strip_prefix('$').map(|sign| sign.split('-').next().unwrap_or("").to_owned()).unwrap_or_default()
            }
            '\\' => chars.next().map(String::from).unwrap_or_default(),
            // Space as wide as the next character, or filling.
            '_' | '*' => {
                chars.next();
                String::new()
            }
            ch => ch.to_string(),
        };
        if digits.is_empty() { before.push_str(&literal) } else { after.push_str(&literal) }
    }
    (before, digits, after)
}

/// Fifteen digits at most, as spreadsheets have them, without trailing zeros.
fn plain(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    let magnitude = value.abs().log10().floor();
    if !magnitude.is_finite() || !(-9.0..15.0).contains(&magnitude) {
        return format!("{value:e}");
    }
    let decimals = (14.0 - magnitude).clamp(0.0, 17.0) as usize;
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn thousands(text: &str) -> String {
    let (whole, rest) = text.find('.').map_or((text, ""), |at| text.split_at(at));
    let mut grouped = String::new();
    for (index, ch) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(ch);
    }
    grouped + rest
}

#[cfg(test)]
#[path = "cell_format_tests.rs"]
mod tests;
