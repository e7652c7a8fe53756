use super::*;
use crate::{anthropic, openai};
use yizhan_domain::Error;

#[test]
fn what_is_short_is_shown_whole() {
    assert_eq!(shown("'role' must be 'user'."), "'role' must be 'user'.");
    let just = "字".repeat(MOST / 3);
    assert_eq!(shown(&just), just);
}

#[test]
fn what_is_long_is_cut_in_the_middle_and_keeps_its_advice() {
    for letter in ["x", "字", "é", "😀"] {
        let text = format!("'role' must be 'user', not '{}'; send that.", letter.repeat(1 << 20));
        let cut = shown(&text);
        assert!(cut.len() <= MOST + 5 && cut.starts_with("'role'") && cut.ends_with("; send that."), "{}", cut.len());
    }
}

#[test]
fn an_error_of_megabytes_leaves_as_one_of_kilobytes() {
    let error = Error::invalid("a".repeat(1 << 20), "b".repeat(1 << 20));
    assert!(openai::error_body(&error).to_string().len() < 10_000);
    assert!(anthropic::error_body(&error).to_string().len() < 10_000);
}
