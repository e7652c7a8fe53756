use super::*;
use crate::guard::Guard;

fn error(rules: &str) -> String {
    let set = RuleSet::parse("r.yaml", rules).unwrap();
    let error = Guard::new(&[set]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    error.message().to_owned()
}

#[test]
fn what_is_wrong_is_said_with_the_line_and_what_to_do() {
    for (rules, needles) in [
        ("rules:\n - {id: a, action: mask, match: {regex: ['a+']}}", &["r.yaml, line 2", "'a'", "{1,20}"][..]),
        ("rules: [{id: a, action: mask, match: {regex: ['\\bx']}}]", &["whole: true"]),
        ("rules: [{id: a, action: mask, match: {regex: ['(']}}]", &["cannot be read"]),
        ("rules: [{id: a, action: mask, match: {regex: ['a{0,3}']}}]", &["empty text"]),
        ("rules: [{id: a, action: mask, match: {regex: ['a{5000}']}}]", &["5000 bytes"]),
        ("rules: [{id: a, action: mask, match: {}}]", &["must name what to look for"]),
        ("rules: [{id: a, action: warn, match: {words: [x]}}]", &["'message'"]),
        ("rules: [{id: a, action: rewrite, match: {words: [x]}}]", &["'with'"]),
        ("rules: [{id: a, action: mask, with: '', match: {words: [x]}}]", &["must show something"]),
        ("rules: [{id: a, action: mask, with: '*', match: {words: [x], separators: true}}]", &["only separators"]),
        ("rules: [{id: a, action: rewrite, with: 'bad x', match: {words: [x]}}]", &["'with'", "finds something"]),
        ("rules: [{id: a, action: block, match: {require: {when: [x], need: [y]}}}]", &["warn or log"]),
        ("rules: [{id: a, action: mask, match: {words_file: w}}]", &["word list 'w'"]),
        ("rules: [{id: a, action: log, match: {words: [x]}}, {id: a, action: log, match: {words: [y]}}]", &["same id"]),
        ("packs: [none]", &["finance"]),
    ] {
        let message = error(rules);
        for needle in needles {
            assert!(message.contains(needle), "{rules}\n{message}\nlacks {needle}");
        }
    }
}

#[test]
fn a_table_that_grows_too_large_is_refused_with_its_rule() {
    let message = error("rules: [{id: wide, action: mask, match: {regex: ['a.{0,60}a.{0,60}b.{0,60}a']}}]");
    assert!(message.contains("'wide'") && message.contains("narrower"), "{message}");
}

#[test]
fn later_rules_take_the_place_of_earlier_ones() {
    let sets: Vec<RuleSet> = [
        "packs: [pii]\noff: [pii-email]\nrules: [{id: pii-phone, action: block, match: {pii: [mobile]}}]",
        "rules: [{id: own, action: log, match: {words_file: list}}]",
    ]
    .iter()
    .map(|text| {
        let mut set = RuleSet::parse("r", text).unwrap();
        set.attach("list", "# comment\n 词 \n\n");
        set
    })
    .collect();
    let plan = compile(&sets).unwrap();
    let known: Vec<(&str, Action)> = plan.rules.iter().map(|rule| (rule.id.as_str(), rule.action)).collect();
    assert!(known.contains(&("pii-phone", Action::Block)) && known.contains(&("own", Action::Log)));
    assert!(!known.iter().any(|(id, _)| *id == "pii-email"));
    assert!(Arc::ptr_eq(&plan.input.gate, &plan.output.gate), "one scanner serves both ways");
}

#[test]
fn regular_expressions_are_folded_as_texts_are() {
    let set = RuleSet::parse("r", "rules: [{id: a, action: log, match: {regex: ['（賭博）ＡＢ[：X]']}}]").unwrap();
    let guard = Guard::new(&[set]).unwrap();
    let found = |text| guard.check_text(text, crate::Side::Output).findings.len();
    assert_eq!((found("(赌博)ab:"), found("（賭博）ＡＢx"), found("赌博ab:")), (1, 1, 0));
}
