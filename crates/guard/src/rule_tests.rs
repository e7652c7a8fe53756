use super::*;

#[test]
fn a_file_is_read_and_errors_name_the_line() {
    let set = RuleSet::parse(
        "rules.yaml",
        "packs: [pii]\noff: [pii-email]\nrules:\n  - id: a\n    match: {words: [x], words_file: w.txt}\n    action: mask\n    where: output\n",
    )
    .unwrap();
    assert_eq!(set.rules[0].place, "rules.yaml, line 4");
    assert_eq!(set.word_files(), ["w.txt"]);
    let error = RuleSet::parse("rules.yaml", "rules:\n  - id: a\n    acton: mask\n").unwrap_err();
    assert!(error.message().contains("line 3"), "{error}");
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    assert_eq!(RuleSet::parse("empty", " \n").unwrap(), RuleSet::default());
}

#[test]
fn the_line_of_an_id_is_found_in_both_styles() {
    let text = "rules:\n  - {id: ab, action: log}\n  - action: log\n    id: \"a\" # first\n";
    assert_eq!((line_of(text, "ab"), line_of(text, "a"), line_of(text, "c")), (Some(2), Some(4), None));
}

#[test]
fn what_is_written_is_read_back() {
    let set = RuleSet::pack("finance").unwrap();
    let written = serde_norway::to_string(&set).unwrap();
    let mut read = RuleSet::parse("again", &written).unwrap();
    for (rule, original) in read.rules.iter_mut().zip(&set.rules) {
        rule.place.clone_from(&original.place);
    }
    assert_eq!(read, set);
}
