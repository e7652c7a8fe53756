//! What every text file keeps to.

use crate::finding::Finding;

/// Directories that exist on one machine only. Written in pieces, so that this file may pass.
const MACHINE: [&str; 2] = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];

/// Every finding in one file.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::new(path, number, "ends in white space"));
        }
        if let Some(directory) = MACHINE.iter().find(|directory| names(line, directory)) {
            findings.push(Finding::new(path, number, format!("names '{directory}', which other machines don't have")));
        }
    }
    findings
}

/// Whether the line has the directory at the start of a path, not in the middle of one.
fn names(line: &str, directory: &str) -> bool {
    let inside = |before: char| before.is_alphanumeric() || "_.-/~})$*".contains(before);
    line.match_indices(directory).any(|(at, _)| !line[..at].ends_with(inside))
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
