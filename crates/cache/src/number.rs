//! Numbers as people write them: digits, Chinese numerals, English words.
//!
//! It does not know what is counted.

/// The value of a run of Chinese numerals (`三十五`, `二〇二四`, `两千万`) as digits; none when it is none, or one
/// too large.
pub(crate) fn chinese(run: &[char]) -> Option<String> {
    let digit = |letter: char| "零一二三四五六七八九".chars().position(|one| one == letter).map(|at| at as u128);
    let digit = |letter| match letter {
        '〇' => Some(0),
        '两' => Some(2),
        _ => digit(letter),
    };
    if run.is_empty() || !run.iter().all(|letter| is_numeral(*letter)) {
        return None;
    }
    if run.iter().all(|letter| digit(*letter).is_some()) {
        return Some(run.iter().filter_map(|letter| digit(*letter)).map(|digit| digit.to_string()).collect());
    }
    let (mut total, mut section, mut last) = (0u128, 0u128, None);
    for letter in run {
        if let Some(digit) = digit(*letter) {
            last = Some(digit);
            continue;
        }
        let power = power(*letter)?;
        if power < 10_000 {
            section = section.checked_add(last.take().unwrap_or(1).checked_mul(power)?)?;
        } else {
            section = section.checked_add(last.take().unwrap_or(0))?;
            // 亿 multiplies all before it: 一万亿.
            let before = if power > 10_000 { std::mem::take(&mut total) } else { 0 };
            let before = before.checked_add(section)?.max(1);
            total = total.checked_add(before.checked_mul(power)?)?;
            section = 0;
        }
    }
    total.checked_add(section)?.checked_add(last.unwrap_or(0)).map(|value| value.to_string())
}

/// Is it a character of Chinese numerals?
pub(crate) fn is_numeral(letter: char) -> bool {
    "零〇一二三四五六七八九十百千万亿两".contains(letter)
}

/// What 十, 百, 千, 万, 亿 multiply by.
pub(crate) fn power(letter: char) -> Option<u128> {
    Some(match letter {
        '十' => 10,
        '百' => 100,
        '千' => 1_000,
        '万' => 10_000,
        '亿' => 100_000_000,
        _ => return None,
    })
}

/// Digits times a power of ten: `1.5` and 万 are `15000`. None when there is more than one point.
pub(crate) fn times(digits: &str, power: u128) -> Option<String> {
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = 10u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let value = format!("{whole}{part}").parse::<u128>().ok()?.checked_mul(power)?;
    let (whole, part) = (value / scale, value % scale);
    if part == 0 {
        return Some(whole.to_string());
    }
    let width = scale.ilog10() as usize;
    Some(format!("{whole}.{}", format!("{part:0width$}").trim_end_matches('0')))
}

/// What an English number word adds or multiplies.
#[derive(Clone, Copy)]
enum Word {
    Add(u64),
    Times(u64),
}

fn word(text: &str) -> Option<Word> {
    const SMALL: &[&str] = &[
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: &[&str] = &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let at = |words: &[&str]| words.iter().position(|word| *word == text).map(|at| at as u64);
    match text {
        "hundred" => Some(Word::Times(100)),
        "thousand" => Some(Word::Times(1_000)),
        "million" => Some(Word::Times(1_000_000)),
        "billion" => Some(Word::Times(1_000_000_000)),
        _ => at(SMALL).or_else(|| at(TENS).map(|at| (at + 2) * 10)).map(Word::Add),
    }
}

/// The value of the English number words at the beginning (`thirty-five`, `two hundred`), and how many words
/// they are; none when the first is none.
pub(crate) fn english(words: &[&str]) -> Option<(String, usize)> {
    let (mut total, mut section, mut used) = (0u64, 0u64, 0);
    for text in words {
        let parts: Vec<&str> = text.split('-').collect();
        let Some(parts) = parts.into_iter().map(word).collect::<Option<Vec<Word>>>() else { break };
        for part in parts {
            match part {
                Word::Add(value) => section = section.checked_add(value)?,
                Word::Times(100) => section = section.max(1).checked_mul(100)?,
                Word::Times(power) => {
                    total = total.checked_add(section.max(1).checked_mul(power)?)?;
                    section = 0;
                }
            }
        }
        used += 1;
    }
    (used > 0).then(|| (total.saturating_add(section).to_string(), used))
}

/// The number of an ordinal word.
pub(crate) fn ordinal(text: &str) -> Option<u32> {
    const WORDS: &[&str] =
        &["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    WORDS.iter().position(|word| *word == text).and_then(|at| u32::try_from(at + 1).ok())
}

#[cfg(test)]
#[path = "number_tests.rs"]
mod tests;
