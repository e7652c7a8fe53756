use super::*;

fn found(path: &str, text: &str) -> Vec<(usize, String)> {
    check(path, text, 10).into_iter().map(|finding| (finding.line, finding.sentence)).collect()
}

fn lines(text: &str) -> Vec<usize> {
    found("crates/x/src/a.rs", &format!("//! A.\n{text}")).into_iter().map(|(line, _)| line).collect()
}

#[test]
fn a_file_says_what_it_is_and_stays_short() {
    assert_eq!(found("crates/x/src/a.rs", "use b;\n")[0].0, 1);
    assert!(found("crates/x/src/a_tests.rs", "use b;\n").is_empty());
    assert!(found("crates/x/build.rs", "use b;\n").is_empty());
    let long = "//! A.\n".repeat(11);
    assert_eq!(found("crates/x/src/a.rs", &long)[0].0, 11);
    assert!(found("crates/x/src/a_tests.rs", &long).is_empty() && found("crates/x/tests/a.rs", &long).is_empty());
}

#[test]
fn work_left_undone_is_found() {
    for word in UNDONE {
        assert_eq!(lines(&format!("fn f() {{\n    {word}\n}}")), [3], "{word}");
    }
    assert_eq!(lines(&format!("#[test]\n{IGNORED} = \"slow\"]\nfn f() {{}}")), [3]);
    assert!(lines("fn todo() {}").is_empty());
}

#[test]
fn a_silenced_lint_needs_a_reason() {
    assert_eq!(lines("#[allow(dead_code)]\nfn f() {}"), [2]);
    assert_eq!(lines("#![expect(\n    dead_code,\n)]\nfn f() { reason() }"), [2]);
    assert!(lines("#[allow(dead_code, reason = \"it is read by C\")]\nfn f() {}").is_empty());
    assert!(lines("#[expect(\n    dead_code,\n    reason = \"x\"\n)]\nfn f() {}").is_empty());
}

#[test]
fn tests_have_files_of_their_own() {
    assert_eq!(lines("#[cfg(test)]\nmod tests {\n}"), [2]);
    assert_eq!(lines("#[cfg(test)]\nmod tests;"), [2]);
    assert!(lines("#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;").is_empty());
    assert!(lines("#[cfg(test)]\nmod contract_tests;").is_empty());
    assert!(lines("#[cfg(test)]\nfn only_for_tests() {}").is_empty());
    assert!(lines("#[cfg(test)]").is_empty());
}
