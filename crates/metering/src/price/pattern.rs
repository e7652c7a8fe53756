//! Names with `*` and `?` in them.
//!
//! They know nothing else of globs: a model's name is no path.

/// Does the name fit? `*` stands for any text, `?` for one character.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    // What most patterns are costs no memory.
    if !is_pattern(pattern) || pattern == "*" {
        return pattern == "*" || pattern == name;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Where to go on when a later character does not fit: the last star, and how much it then takes.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (p, n) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Has it a `*` or `?`?
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
