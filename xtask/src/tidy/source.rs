//! What every Rust file keeps to.
//!
//! Lines are looked at, not syntax trees: the house's own formatting is assumed.

use crate::finding::Finding;

/// Words that stand for work left undone. Written in pieces, so that this file may pass.
const UNDONE: [&str; 3] = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("FIX", "ME")];
const IGNORED: &str = concat!("#[", "ignore");

/// Every finding in one file.
pub(super) fn check(path: &str, text: &str, most_lines: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |line: usize, sentence: String| findings.push(Finding::new(path, line, sentence));
    if !is_test(path) {
        if path.contains("/src/") && !text.starts_with("//!") {
            find(1, "opens without //! that says what it is and what it doesn't know".to_owned());
        }
        let lines = text.lines().count();
        if lines > most_lines {
            find(most_lines + 1, format!("has {lines} lines; no file has more than {most_lines}"));
        }
    }
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in (1..).zip(&lines) {
        if let Some(word) = UNDONE.iter().find(|word| line.contains(**word)) {
            find(number, format!("'{}' is work left undone", word.trim_end_matches('(')));
        }
        let attribute = line.trim_start();
        if attribute.starts_with(IGNORED) {
            find(number, "a test that is ignored proves nothing: mend or remove it".to_owned());
        }
        if is_allowance(attribute) && !whole_attribute(&lines[number - 1..]).contains("reason") {
            find(number, "silences a lint without a reason".to_owned());
        }
        if attribute == "#[cfg(test)]"
            && let Some(sentence) = misplaced_tests(&lines[number..])
        {
            find(number, sentence);
        }
    }
    findings
}

fn is_test(path: &str) -> bool {
    path.ends_with("_tests.rs") || path.contains("/tests/")
}

fn is_allowance(attribute: &str) -> bool {
    ["#[allow(", "#![allow(", "#[expect(", "#![expect("].iter().any(|start| attribute.starts_with(start))
}

/// The attribute at the first line, to its closing bracket.
fn whole_attribute(lines: &[&str]) -> String {
    let end = lines.iter().position(|line| line.trim_end().ends_with(']')).unwrap_or(lines.len() - 1);
    lines[..=end].concat()
}

/// What is wrong with the module behind `#[cfg(test)]`, if it is one.
fn misplaced_tests(after: &[&str]) -> Option<String> {
    let attributes = after.iter().take_while(|line| line.trim_start().starts_with("#[")).count();
    let module = after.get(attributes)?.trim_start();
    let name = module.trim_start_matches("pub(crate) ").strip_prefix("mod ")?;
    if name.contains('{') {
        return Some("tests stand in a file of their own: #[path = \"NAME_tests.rs\"] mod tests;".to_owned());
    }
    let has_path = after[..attributes].iter().any(|line| line.contains("_tests.rs\"]"));
    let named = name.trim_end_matches(';').ends_with("_tests");
    (!has_path && !named).then(|| "a file of tests is called NAME_tests.rs".to_owned())
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
