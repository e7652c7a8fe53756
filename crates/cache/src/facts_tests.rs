use super::*;
use proptest::prelude::*;
use serde::Deserialize;

fn differ(a: &str, b: &str) -> Option<Difference> {
    Facts::of(a).unwrap().difference(&Facts::of(b).unwrap())
}

#[test]
fn harmless_differences_are_passed_over() {
    for (a, b) in [
        ("怎么修改密码？", "请问如何更改密码"),
        ("怎么修改登录密码", "登录密码怎么修改"),
        ("住院超过三十天怎么报销", "住院超过30天如何报销"),
        ("支持货到付款吗", "支不支持货到付款"),
        ("贷款20万元", "贷款二十万元"),
        ("How do I reset my password?", "how can i reset my password please"),
        ("When is the office open?", "The office is open when?"),
        ("Is thirty-five mg enough?", "Is 35 milligrams enough?"),
    ] {
        assert_eq!(differ(a, b), None, "{a} | {b}");
    }
}

#[test]
fn says_what_differs() {
    for (a, b, difference) in [
        ("How do I pay?", "怎么付款", Difference::Language),
        ("满3年有几天年假", "满5年有几天年假", Difference::Number),
        ("两个人", "三个人", Difference::Number),
        ("第三条", "第四条", Difference::Number),
        ("孕妇可以吃吗", "孕妇不可以吃吗", Difference::Negation),
        ("Why does it start?", "Why doesn't it start?", Difference::Negation),
        ("谁签合同", "什么时候签合同", Difference::Question),
        ("每天5毫克", "每天5克", Difference::Content),
        ("收入高于5000元", "收入低于5000元", Difference::Content),
        ("Ask WHO about it", "Ask about it", Difference::Content),
        ("call foo_bar()", "call foo_baz()", Difference::Content),
        ("《红楼梦》的作者", "《西游记》的作者", Difference::Content),
        ("Does Anna owe Bob?", "Does Bob owe Anna?", Difference::Order),
        ("张三欠李四多少钱", "李四欠张三多少钱", Difference::Order),
        ("一天能吃几片", "一天要吃几片", Difference::Content),
        ("什么是語法", "什么是语法", Difference::Content),
    ] {
        assert_eq!(differ(a, b), Some(difference), "{a} | {b}");
    }
}

#[test]
fn nothing_and_too_much_are_not_compared() {
    assert!(Facts::of("").is_none());
    assert!(Facts::of("请问一下").is_none());
    assert!(Facts::of(&"word ".repeat(1000)).is_none());
}

#[derive(Deserialize)]
struct Pair {
    same: bool,
    half: String,
    a: String,
    b: String,
}

#[derive(Deserialize)]
struct Recorded {
    cosines: Vec<f32>,
}

/// Hits at the default threshold among the pairs of one half: with the same answer, of how many, and with another,
/// of how many.
fn hits(half: &str, threshold: f32) -> [usize; 4] {
    let pairs = include_str!("../testdata/pairs.jsonl").lines();
    let pairs: Vec<Pair> = pairs.map(|line| serde_json::from_str(line).unwrap()).collect();
    let recorded: Recorded = serde_json::from_str(include_str!("../testdata/similarities.json")).unwrap();
    assert_eq!(pairs.len(), recorded.cosines.len(), "record the similarities again: see examples/pairs.rs");
    let mut counts = [0; 4];
    for (pair, cosine) in pairs.iter().zip(recorded.cosines).filter(|(pair, _)| pair.half == half) {
        let hit = cosine >= threshold && differ(&pair.a, &pair.b).is_none();
        let at = if pair.same { 0 } else { 2 };
        counts[at] += usize::from(hit);
        counts[at + 1] += 1;
    }
    counts
}

/// The figures of the documentation. A change of the lexicon that makes one worse shows here.
#[test]
fn pairs_of_questions_hit_as_documented() {
    let threshold = crate::settings::Semantic::default().threshold;
    for (half, helped, of) in [("choose", 40, 68), ("report", 35, 67)] {
        let [same, same_of, other, other_of] = hits(half, threshold);
        assert_eq!(other, 0, "false hits in half '{half}', of {other_of}");
        assert_eq!(same_of, of);
        assert!(same >= helped, "only {same} of {of} hits in half '{half}'");
    }
    let chosen = hits("choose", threshold)[0];
    assert_eq!(chosen, hits("choose", 0.0)[0], "the threshold loses a hit");
    assert!(hits("choose", threshold + 0.01)[0] < chosen, "a higher threshold would do as well");
}

proptest! {
    #[test]
    fn any_text_agrees_with_itself(text in "\\PC{0,80}|[一-龥0-9a-z ,?]{0,60}") {
        if let Some(facts) = Facts::of(&text) {
            prop_assert_eq!(facts.difference(&facts.clone()), None);
        }
    }

    #[test]
    fn agreement_is_mutual(a in "(how|do|pay|not|3|,| |bob|what){0,8}", b in "(how|do|pay|not|3|,| |bob|what){0,8}") {
        if let (Some(a), Some(b)) = (Facts::of(&a), Facts::of(&b)) {
            prop_assert_eq!(a.agree(&b), b.agree(&a));
        }
    }

    #[test]
    fn another_number_never_agrees(a in 0u32..100_000, b in 0u32..100_000) {
        let of = |number| Facts::of(&format!("订单{number}到哪了")).unwrap();
        prop_assert_eq!(a == b, of(a).agree(&of(b)));
    }
}
