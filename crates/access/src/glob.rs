//! Patterns of names: `*` stands for any text, everything else for itself.
//!
//! It does not know what is named.

/// Does the whole name match the pattern? Takes time in the product of their lengths at worst.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where the last star is, and up to where it has eaten.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && pattern[p] == name[n] {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, eaten)) = star {
            (p, n) = (at + 1, eaten + 1);
            star = Some((at, eaten + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
#[path = "glob_tests.rs"]
mod tests;
