//! Word's automatic numbers: `1.`, `2.3`, `(a)`, `第一章`, bullets.
//!
//! It does not know which paragraphs are numbered.

use crate::archive::Archive;
use crate::xml::{Node, walk};
use std::collections::HashMap;
use yizhan_domain::Result;

const LEVELS: usize = 9;

#[derive(Clone, Default)]
struct Level {
    format: String,
    /// Such as `%1.%2`.
    text: String,
    start: u32,
}

/// The lists of a document and how far each has counted.
#[derive(Default)]
pub(super) struct Numbering {
    definitions: HashMap<i64, Vec<Level>>,
    lists: HashMap<i64, i64>,
    counters: HashMap<i64, [u32; LEVELS]>,
}

impl Numbering {
    /// Reads `word/numbering.xml`.
    pub(super) fn read(archive: &mut Archive<'_>) -> Result<Self> {
        let mut numbering = Self::default();
        let Some(xml) = archive.text("word/numbering.xml")? else { return Ok(numbering) };
        let (mut definition, mut list, mut level) = (None, None, 0usize);
        walk("word/numbering.xml", &xml, |node| {
            let Node::Open(element) = node else { return };
            match element.name {
                "abstractNum" => {
                    definition = element.number("abstractNumId");
                    list = None;
                }
                "num" => {
                    list = element.number("numId");
                    definition = None;
                }
                "abstractNumId" => {
                    if let (Some(list), Some(target)) = (list, element.number("val")) {
                        numbering.lists.insert(list, target);
                    }
                }
                "lvl" => level = element.number("ilvl").and_then(|level| usize::try_from(level).ok()).unwrap_or(LEVELS),
                name @ ("numFmt" | "lvlText" | "start") => {
                    let Some(levels) = definition
                        .map(|id| numbering.definitions.entry(id).or_insert_with(|| vec![Level::default(); LEVELS]))
                    else {
                        return;
                    };
                    let Some(level) = levels.get_mut(level) else { return };
                    let value = element.attribute("val").unwrap_or_default();
                    match name {
                        "numFmt" => level.format = value,
                        "lvlText" => level.text = value,
                        _ => level.start = value.parse().unwrap_or(1),
                    }
                }
                _ => {}
            }
        })?;
        Ok(numbering)
    }

    /// Counts one paragraph of a list and gives its marker.
    pub(super) fn next(&mut self, list: i64, level: i64) -> String {
        let at = usize::try_from(level).unwrap_or(0).min(LEVELS - 1);
        let Some(levels) = self.lists.get(&list).and_then(|id| self.definitions.get(id)) else { return "-".into() };
        let counters =
            self.counters.entry(list).or_insert_with(|| std::array::from_fn(|at| levels[at].start.max(1) - 1));
        counters[at] = counters[at].saturating_add(1);
        for deeper in at + 1..LEVELS {
            counters[deeper] = levels[deeper].start.max(1) - 1;
        }
        let level = &levels[at];
        if level.format == "bullet" || level.text.is_empty() {
            return if level.format == "none" { String::new() } else { "-".into() };
        }
        let mut marker = String::new();
        let mut chars = level.text.chars();
        while let Some(ch) = chars.next() {
            match (ch, chars.clone().next().and_then(|digit| digit.to_digit(10))) {
                ('%', Some(number @ 1..=9)) => {
                    chars.next();
                    let at = number as usize - 1;
                    marker.push_str(&spell(counters[at].max(1), &levels[at].format));
                }
                _ => marker.push(ch),
            }
        }
        marker
    }
}

fn spell(number: u32, format: &str) -> String {
    match format {
        "lowerLetter" => letters(number).to_lowercase(),
        "upperLetter" => letters(number),
        "lowerRoman" => roman(number).to_lowercase(),
        "upperRoman" => roman(number),
        "decimalZero" => format!("{number:02}"),
        "chineseCounting"
        | "chineseCountingThousand"
        | "japaneseCounting"
        | "taiwaneseCountingThousand"
        | "ideographDigital" => chinese(number),
        "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" if (1..=20).contains(&number) => {
            char::from_u32(0x2460 + number - 1).map_or_else(|| number.to_string(), String::from)
        }
        _ => number.to_string(),
    }
}

fn letters(number: u32) -> String {
    let letter = char::from(b'A' + ((number - 1) % 26) as u8);
    std::iter::repeat_n(letter, ((number - 1) / 26 + 1).min(5) as usize).collect()
}

fn roman(number: u32) -> String {
    const VALUES: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut rest = number.min(3999);
    let mut text = String::new();
    for (value, sign) in VALUES {
        while rest >= value {
            text.push_str(sign);
            rest -= value;
        }
    }
    text
}

/// Up to 99; larger ones in digits.
fn chinese(number: u32) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let (tens, ones) = ((number / 10) as usize, (number % 10) as usize);
    match tens {
        0 => DIGITS[ones].into(),
        1 => format!("十{}", DIGITS[ones]),
        2..=9 => format!("{}十{}", DIGITS[tens], DIGITS[ones]),
        _ => number.to_string(),
    }
}

#[cfg(test)]
#[path = "numbering_tests.rs"]
mod tests;
