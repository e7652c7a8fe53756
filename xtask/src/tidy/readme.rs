//! The README in two languages says the same: as many headings, and the same code.

use crate::finding::Finding;
use crate::tree::Tree;

const ENGLISH: &str = "README.md";
const CHINESE: &str = "README.zh-CN.md";

/// Headings and code blocks of one README, each with its line.
#[derive(Default)]
struct Outline {
    headings: Vec<(usize, usize)>,
    blocks: Vec<(usize, String)>,
}

/// Where the two READMEs differ; nothing while one is missing.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let (Some(english), Some(chinese)) = (tree.files.get(ENGLISH), tree.files.get(CHINESE)) else { return Vec::new() };
    compare(&outline(english), &outline(chinese))
}

fn compare(english: &Outline, chinese: &Outline) -> Vec<Finding> {
    let mut findings = Vec::new();
    let levels = |outline: &Outline| outline.headings.iter().map(|(_, level)| *level).collect::<Vec<_>>();
    if levels(english) != levels(chinese) {
        let (one, other) = (levels(english), levels(chinese));
        let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
        let line = chinese.headings.get(same).map_or(1, |(line, _)| *line);
        let sentence =
            format!("has {} headings, {ENGLISH} has {}, or their levels differ from here", other.len(), one.len());
        findings.push(Finding::new(CHINESE, line, sentence));
    }
    if english.blocks.len() != chinese.blocks.len() {
        let sentence = format!("has {} code blocks, {ENGLISH} has {}", chinese.blocks.len(), english.blocks.len());
        findings.push(Finding::new(CHINESE, 1, sentence));
    }
    for ((there, one), (line, other)) in english.blocks.iter().zip(&chinese.blocks) {
        if one != other {
            let sentence = format!("this code block differs from the one at {ENGLISH}:{there}");
            findings.push(Finding::new(CHINESE, *line, sentence));
        }
    }
    findings
}

fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    let mut block: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let fence = line.trim_start().starts_with("```");
        match (&mut block, fence) {
            (None, true) => block = Some((number, format!("{}\n", line.trim()))),
            (None, false) => {
                let level = line.bytes().take_while(|byte| *byte == b'#').count();
                if (1..=6).contains(&level) && line[level..].starts_with(' ') {
                    outline.headings.push((number, level));
                }
            }
            (Some(_), true) => outline.blocks.extend(block.take()),
            (Some((_, code)), false) => {
                code.push_str(line);
                code.push('\n');
            }
        }
    }
    outline.blocks.extend(block);
    outline
}

#[cfg(test)]
#[path = "readme_tests.rs"]
mod tests;
