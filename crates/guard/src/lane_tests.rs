use super::*;
use crate::fold::{fold, is_separator};
use crate::guard::Guard;
use crate::rule::RuleSet;
use proptest::prelude::*;
use std::sync::OnceLock;

fn guard(rules: &str) -> Guard {
    Guard::new(&[RuleSet::parse("test", rules).unwrap()]).unwrap()
}

/// What a lane lets go, piece by piece, with its findings and the rule that stopped it.
#[derive(Debug, PartialEq)]
struct Outcome {
    text: String,
    findings: Vec<Finding>,
    stop: Option<u16>,
}

fn run(guard: &Guard, pieces: &[&str], json: bool) -> Outcome {
    let side = &guard.plan.output;
    let scope = Scope { rules: &guard.plan.rules, side, counts: &|_| true, look_on: false };
    let mut lane = if json { Lane::json(Place::Text, side) } else { Lane::new(Place::Text, side) };
    let mut outcome = Outcome { text: String::new(), findings: Vec::new(), stop: None };
    let steps = pieces.iter().map(Some).chain([None]);
    for piece in steps {
        let step = match piece {
            Some(piece) => lane.push((*piece).to_owned(), &scope),
            None => lane.finish(&scope),
        };
        outcome.text += &step.released;
        outcome.findings.extend(step.findings);
        outcome.stop = step.stop;
        if step.stop.is_some() {
            break;
        }
    }
    outcome.findings.sort();
    outcome
}

fn masked(rules: &str, text: &str) -> String {
    run(&guard(rules), &[text], false).text
}

fn words(words: &str, more: &str) -> String {
    format!("rules: [{{id: w, action: mask, match: {{words: [{words}] {more}}}}}]")
}

#[test]
fn exactly_the_original_characters_are_masked() {
    let rules = words("赌博, fuck", ", separators: true");
    for (text, expected) in [
        ("去赌博吧", "去██吧"),
        ("去賭\u{200b}博吧", "去██吧"),
        ("去賭\u{200b}博\u{200b}吧", "去██\u{200b}吧"),
        ("赌-博 ok", "███ ok"),
        // Five separators are too many; a stroke over the last letter is no part of the word.
        ("赌 -.- 博", "赌 -.- 博"),
        ("ＦＵＣＫ you", "████ you"),
        ("f-u-c-k, f u c k, F.U.C.K!", "███████, ███████, ███████!"),
        ("has some fucking", "has some fucking"),
        ("赌赌博博", "赌██博"),
        ("f̶u̶c̶k̶", "████\u{336}"),
    ] {
        assert_eq!(masked(&rules, text), expected, "{text}");
    }
}

#[test]
fn latin_words_are_whole_unless_told_otherwise() {
    assert_eq!(masked(&words("ass", ""), "class ass, asset 是ass吗 ass"), "class ███, asset 是███吗 ███");
    assert_eq!(masked(&words("ass", ", whole: false"), "class"), "cl███");
}

#[test]
fn pinyin_is_found() {
    let rules = words("赌博", ", pinyin: true");
    assert_eq!(masked(&rules, "dubo, Du Bo, du博, 赌bó, redubox"), "████, █████, ███, ███, redubox");
}

#[test]
fn the_longest_of_a_rules_words_counts_once() {
    let guard = guard(&words("赌博, 赌博网站", ""));
    let outcome = run(&guard, &["上赌", "博网", "站。赌博网"], false);
    assert_eq!(outcome.text, "上████。██网");
    assert_eq!(outcome.findings.len(), 2);
    assert_eq!((outcome.findings[0].start, outcome.findings[0].end), (3, 15));
}

#[test]
fn the_stronger_action_goes_first() {
    let rules = r#"
rules:
  - {id: m, action: mask, match: {words: [abcd], whole: false}}
  - {id: r, action: rewrite, with: "[x]", match: {words: [ab], whole: false}}
  - {id: b, action: block, match: {words: [cde], whole: false}}
"#;
    assert_eq!(masked(rules, "-abcd-"), "-[x]██-");
    let outcome = run(&guard(rules), &["-abc", "de-"], false);
    assert_eq!((outcome.text.as_str(), outcome.stop), ("-[x]██", Some(2)));
    assert_eq!(outcome.findings.len(), 3, "{outcome:?}");
}

#[test]
fn personal_data_needs_its_boundary_and_its_check() {
    let rules =
        "rules: [{id: p, action: mask, match: {pii: [id_card, bank_card, mobile, email, ipv4, landline, passport]}}]";
    let mask = |n| "█".repeat(n);
    for (text, expected) in [
        ("证11010519491231002X。", format!("证{}。", mask(18))),
        ("证110105194912310021。", "证110105194912310021。".into()),
        ("1110105194912310028", "1110105194912310028".into()),
        ("电话13812345678，", format!("电话{}，", mask(11))),
        ("电话１３８１２３４５６７８", format!("电话{}", mask(11))),
        ("电话+86 138-1234-5678", format!("电话{}", mask(17))),
        ("9138123456789", "9138123456789".into()),
        ("卡 6222 0212 3456 7894 123", format!("卡 {} 123", mask(19))),
        ("卡 6222021234567893", "卡 6222021234567893".into()),
        ("a.b+c@mail.example.com.", format!("{}.", mask(22))),
        ("a@b", "a@b".into()),
        ("10.0.0.1 and 10.0.0.256", format!("{} and 10.0.0.256", mask(8))),
        ("010-62751234", mask(12)),
        ("护照E12345678", format!("护照{}", mask(9))),
    ] {
        assert_eq!(masked(rules, text), expected, "{text}");
    }
}

#[test]
fn json_stays_json() {
    let rules = r#"
rules:
  - {id: w, action: mask, match: {words: [敏感, 词条], separators: true}}
  - {id: r, action: rewrite, with: 'a "b"', match: {words: [坏]}}
  - {id: p, action: mask, match: {pii: [mobile]}}
"#;
    let guard = guard(rules);
    for (text, expected) in [
        (r#"{"a":"\u654f\u611f"}"#, r#"{"a":"████████████"}"#),
        (r#"{"a":"敏","b":"感"}"#, r#"{"a":"敏","b":"感"}"#),
        (r#"{"a":"坏"}"#, r#"{"a":"a \"b\""}"#),
        (r#"{"a":13812345678}"#, r#"{"a":"███████████"}"#),
        (r#"{"a":"\"坏\\"}"#, r#"{"a":"\"a \"b\"\\"}"#),
    ] {
        let outcome = run(&guard, &[text], true);
        assert_eq!(outcome.text, expected);
        assert!(serde_json::from_str::<serde_json::Value>(&outcome.text).is_ok(), "{}", outcome.text);
        let pieces: Vec<String> = text.chars().map(String::from).collect();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        assert_eq!(run(&guard, &pieces, true), outcome, "{text} character by character");
    }
}

#[test]
fn a_demand_is_met_nearby_or_found_unmet() {
    let rules = r#"
rules:
  - id: dose
    action: warn
    message: units!
    match: {require: {when: ["剂量"], need: ["[0-9]{1,4} ?mg"], within: 10}}
"#;
    let guard = guard(rules);
    let found = |text: &str| run(&guard, &[text], false).findings.len();
    assert_eq!(found("剂量为 10 mg。"), 0);
    assert_eq!(found("10 mg 是剂量"), 0);
    assert_eq!(found("剂量遵医嘱。"), 1);
    assert_eq!(found("剂量遵医嘱，若仍不见好转则另行商议再用 10 mg"), 1);
    assert_eq!(found("没有"), 0);
}

/// The start, in the original, of the longest end of `text` that begins some word without being all of it.
fn longest_beginning(text: &str, words: &[String]) -> usize {
    let mut folded: Vec<(char, usize)> = Vec::new();
    for (start, c) in text.char_indices() {
        fold_char(c, |f| folded.push((f, start)));
    }
    for from in 0..folded.len() {
        let rest: String = folded[from..].iter().map(|(c, _)| *c).collect();
        if words.iter().any(|word| word.starts_with(&rest) && word.len() > rest.len()) {
            return folded[from].1;
        }
    }
    text.len()
}

const LETTERS: &[&str] = &["a", "b", "Ａ", "é", "赌", "賭", "博", "\u{200b}", "㎎", "m", "g", "-", " "];

fn text(most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(LETTERS), 0..most).prop_map(|parts| parts.concat())
}

fn word() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(&["a", "b", "赌", "博", "e", "m", "g"][..]), 1..5)
        .prop_map(|parts| parts.concat())
}

/// Texts of which much is found by some rule.
fn busy_text() -> impl Strategy<Value = String> {
    let tokens = &[
        "a",
        "b",
        "ab",
        "赌",
        "博",
        "賭",
        "1",
        "38",
        "13812345678",
        "11010519491231002X",
        "@b.cc",
        "a@b.cc",
        ".",
        " ",
        "-",
        "\u{200b}",
        "\"",
        "\\",
        "\\u8d4c",
        "u",
        "f u c k",
        "mg",
        "剂量",
        "\n",
        "é",
    ][..];
    proptest::collection::vec(proptest::sample::select(tokens), 0..24).prop_map(|parts| parts.concat())
}

fn any_rules() -> impl Strategy<Value = String> {
    let matcher = prop_oneof![
        (proptest::collection::vec(word(), 1..5), any::<bool>(), any::<bool>()).prop_map(
            |(words, separators, whole)| {
                format!("{{words: [{}], separators: {separators}, whole: {whole}}}", words.join(", "))
            }
        ),
        Just("{words: [赌博, fuck], pinyin: true, separators: true}".to_owned()),
        Just("{pii: [id_card, mobile, email]}".to_owned()),
        Just("{pii: [bank_card, ipv4, landline, passport]}".to_owned()),
        Just("{regex: ['a{1,3}b', '赌.{0,3}博', '[0-9]{3}']}".to_owned()),
        Just("{regex: ['[a-z]{2,4}'], whole: true}".to_owned()),
    ];
    let action = proptest::sample::select(&["mask", "mask", "rewrite", "block", "review", "warn", "log"][..]);
    proptest::collection::vec((matcher, action), 1..5).prop_map(|rules| {
        let line = |(i, (matcher, action)): (usize, &(String, &str))| {
            let with = if *action == "rewrite" { ", with: '█[…]█'" } else { "" };
            format!("  - {{id: r{i}, message: m{i}, action: {action}, match: {matcher}{with}}}\n")
        };
        let demand =
            "  - {id: d, action: warn, message: d, match: {require: {when: [剂量], need: ['[0-9]mg'], within: 5}}}\n";
        format!("rules:\n{}{demand}", rules.iter().enumerate().map(line).collect::<String>())
    })
}

fn cut<'a>(text: &'a str, cuts: &[bool]) -> Vec<&'a str> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (number, (at, _)) in text.char_indices().enumerate() {
        if cuts.get(number).copied().unwrap_or(false) {
            pieces.push(&text[from..at]);
            from = at;
        }
    }
    pieces.push(&text[from..]);
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn pieces_make_no_difference(
        rules in any_rules(),
        text in busy_text(),
        cuts in proptest::collection::vec(any::<bool>(), 120),
        json in any::<bool>(),
    ) {
        let guard = guard(&rules);
        let whole = run(&guard, &[&text], json);
        prop_assert_eq!(&run(&guard, &cut(&text, &cuts), json), &whole);
        prop_assert_eq!(&run(&guard, &cut(&text, &[true; 500]), json), &whole);
    }

    #[test]
    fn what_is_masked_holds_no_word(list in proptest::collection::vec(word(), 1..6), text in text(30), gaps in any::<bool>()) {
        let rules = words(&list.join(", "), &format!(", whole: false, separators: {gaps}"));
        let outcome = run(&guard(&rules), &[&text], false);
        let folded = fold(&outcome.text);
        for word in &list {
            prop_assert!(!folded.contains(word.as_str()), "{word} in {}", outcome.text);
        }
        let kept: usize = outcome.text.chars().filter(|&c| c != '█').count();
        let covered: usize = outcome.findings.iter().map(|f| text[f.start..f.end].chars().count()).sum();
        prop_assert_eq!(kept + covered, text.chars().count(), "all but the findings stays");
    }

    #[test]
    fn no_more_is_held_than_the_longest_beginning_of_a_word(list in proptest::collection::vec(word(), 1..6), text in text(30)) {
        let guard = guard(&words(&list.join(", "), ", whole: false"));
        let side = &guard.plan.output;
        let scope = Scope { rules: &guard.plan.rules, side, counts: &|_| true, look_on: false };
        let mut lane = Lane::new(Place::Text, side);
        let mut so_far = String::new();
        for c in text.chars() {
            so_far.push(c);
            lane.push(c.to_string(), &scope);
            let start = longest_beginning(&so_far, &list);
            // What a match has covered already is out, though a word might begin inside it.
            prop_assert!(lane.held() <= so_far.len() - start, "{so_far:?}: {} held", lane.held());
            let inside = lane.base > start;
            prop_assert!(inside || lane.held() == so_far.len() - start, "{so_far:?}: too little held");
        }
    }

    #[test]
    fn any_text_at_all_passes_through_no_rules_unharmed(text in ".{0,200}", cuts in proptest::collection::vec(any::<bool>(), 200)) {
        static GUARD: OnceLock<Guard> = OnceLock::new();
        let rules = words("zzzqqq, 鑫鑫鑫鑫", ", separators: true, pinyin: true");
        let guard = GUARD.get_or_init(|| guard(&rules));
        prop_assert_eq!(&run(guard, &cut(&text, &cuts), false).text, &text);
        prop_assert_eq!(&run(guard, &cut(&text, &cuts), true).text, &text);
    }
}

#[test]
fn separators_are_what_is_neither_letter_nor_digit_nor_mask() {
    assert!(" -_.*、。😀\n".chars().all(is_separator));
    assert!(!"a1赌█".chars().any(is_separator));
}

#[test]
fn a_run_of_letters_without_end_costs_no_more_than_its_length() {
    // Looked through again from every letter, this would take hours.
    let endless = "a".repeat(4 << 20);
    let rules = "rules: [{id: mail, action: mask, match: {pii: [email]}}]";
    for end in ["", " ", "@x.org "] {
        let text = format!("{endless}{end}");
        assert_eq!(run(&guard(rules), &[&text], false).findings, []);
    }
    assert_eq!(masked(rules, "ask ab@x.org."), "ask ████████.");
}
