use super::matches;
use proptest::prelude::*;

#[test]
fn a_star_stands_for_any_text() {
    for (pattern, name) in [("*", ""), ("*", "模型"), ("qwen*", "qwen-max"), ("*-max", "qwen-max"), ("a*b*c", "a1bb2c")]
    {
        assert!(matches(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in [("", "a"), ("qwen", "qwen-max"), ("a*b", "abc"), ("*x*", "abc"), ("模", "模型")] {
        assert!(!matches(pattern, name), "{pattern} {name}");
    }
}

/// The plainest telling of what a pattern means.
fn slowly(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|eaten| slowly(rest, &name[eaten..])),
        Some((byte, rest)) => name.split_first().is_some_and(|(first, others)| first == byte && slowly(rest, others)),
    }
}

proptest! {
    #[test]
    fn it_is_what_the_plain_telling_says(pattern in "[ab*]{0,6}", name in "[ab]{0,8}") {
        prop_assert_eq!(matches(&pattern, &name), slowly(pattern.as_bytes(), name.as_bytes()));
    }
}
