//! Which crate depends on which, and where a library may be named.

use super::Rules;
use crate::finding::Finding;
use toml::{Table, Value};

/// The crate whose manifest this is, by its directory's name.
pub(super) fn owner(path: &str) -> Option<&str> {
    let directory = path.strip_suffix("/Cargo.toml")?;
    let owner = directory.strip_prefix("crates/").unwrap_or(directory);
    (!owner.contains('/') && (directory != owner || owner == "xtask")).then_some(owner)
}

/// Edges that the rules don't have, and libraries away from home.
pub(super) fn check(path: &str, text: &str, owner: &str, rules: &Rules) -> Vec<Finding> {
    let manifest: Table = match toml::from_str(text) {
        Ok(manifest) => manifest,
        Err(error) => return vec![Finding::new(path, 1, format!("is not TOML: {}", error.message()))],
    };
    let Some(allowed) = rules.edges.get(owner) else {
        return vec![Finding::new(path, 1, format!("crate '{owner}' is not in xtask/tidy.toml"))];
    };
    let is_allowed = |other: &str| allowed.iter().any(|known| known == "*" || known == other);
    let extra = rules.tests.get(owner);
    let is_for_tests =
        |other: &str| other == "testkit" || extra.is_some_and(|extra| extra.iter().any(|known| known == other));
    let mut findings = Vec::new();
    for (section, name) in dependencies(&manifest) {
        let line = line_of(text, &name);
        let for_tests = section == "dev-dependencies";
        if let Some(other) = name.strip_prefix("yizhan-") {
            let is_known = is_allowed(other) || for_tests && is_for_tests(other);
            if !is_known {
                findings.push(Finding::new(
                    path,
                    line,
                    format!("'{owner}' must not depend on '{other}' (xtask/tidy.toml)"),
                ));
            }
        } else if let Some(homes) = rules.homes.get(&name)
            && !for_tests
            && !homes.iter().any(|home| home == owner)
        {
            let homes = homes.join(", ");
            findings.push(Finding::new(path, line, format!("'{name}' is used in {homes} only (xtask/tidy.toml)")));
        }
    }
    findings
}

/// Every dependency with its kind, by the package's own name, those of single platforms too.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let tables = platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let mut found = Vec::new();
    for table in std::iter::once(manifest).chain(tables) {
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            for (key, value) in table.get(section).and_then(Value::as_table).into_iter().flatten() {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
                found.push((section, package.to_owned()));
            }
        }
    }
    found
}

fn line_of(text: &str, name: &str) -> usize {
    text.lines().position(|line| line.contains(name)).map_or(1, |position| position + 1)
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
