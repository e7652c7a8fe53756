//! All checks, and the rules that they hold the workspace to.

mod manifest;
mod readme;
mod source;
mod text;

use crate::errors;
use crate::finding::Finding;
use crate::tree::Tree;
use serde::Deserialize;
use std::collections::BTreeMap;

/// xtask/tidy.toml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    edges: BTreeMap<String, Vec<String>>,
    tests: BTreeMap<String, Vec<String>>,
    homes: BTreeMap<String, Vec<String>>,
    files: Files,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Files {
    most_lines: usize,
    samples: Vec<String>,
}

impl Rules {
    fn builtin() -> Result<Self, String> {
        toml::from_str(include_str!("../tidy.toml")).map_err(|error| format!("xtask/tidy.toml: {error}"))
    }

    /// Whether the file is a sample of what users have.
    fn is_sample(&self, path: &str) -> bool {
        let inside = |sample: &String| path.starts_with(sample.as_str()) || path.contains(&format!("/{sample}"));
        self.files.samples.iter().any(inside)
    }
}

/// Every finding in the tree, by path and line.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>, String> {
    let rules = Rules::builtin()?;
    let mut findings = Vec::new();
    for (path, text) in tree.files.iter().filter(|(path, _)| !rules.is_sample(path)) {
        findings.extend(text::check(path, text));
        if path.ends_with(".rs") {
            findings.extend(source::check(path, text, rules.files.most_lines));
        }
        if let Some(owner) = manifest::owner(path) {
            findings.extend(manifest::check(path, text, owner, &rules));
        }
    }
    findings.extend(readme::check(tree));
    findings.extend(errors::check(tree)?);
    findings.sort();
    Ok(findings)
}

#[cfg(test)]
#[path = "tidy_tests.rs"]
mod tests;
