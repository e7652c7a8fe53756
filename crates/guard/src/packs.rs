//! Built-in rules, as files of the same form that users write.
//!
//! It does not know how they are compiled.

/// The names of the built-in packs.
pub const PACKS: [&str; 4] = ["pii", "injection", "finance", "medical"];

/// Regular expressions of attempts to override instructions, one a line.
pub(crate) const INJECTION: &str = include_str!("../packs/injection.txt");

/// A pack's text.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    match name {
        "pii" => Some(include_str!("../packs/pii.yaml")),
        "injection" => Some(include_str!("../packs/injection.yaml")),
        "finance" => Some(include_str!("../packs/finance.yaml")),
        "medical" => Some(include_str!("../packs/medical.yaml")),
        _ => None,
    }
}

#[cfg(test)]
#[path = "packs_tests.rs"]
mod tests;
