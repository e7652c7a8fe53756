use super::fits;

#[test]
fn stars_and_question_marks() {
    let fitting =
        [("*", ""), ("qwen*", "qwen-max"), ("*-max", "qwen-max"), ("q*-m?x", "qwen-plus-max"), ("文*", "文心")];
    let others = [("", "a"), ("qwen", "qwen2"), ("q?", "q"), ("*a", "ab"), ("a*b*c", "acb")];
    assert!(fitting.iter().all(|(pattern, name)| fits(pattern, name)));
    assert!(others.iter().all(|(pattern, name)| !fits(pattern, name)));
    assert!(!fits(&"*a".repeat(200), &"a".repeat(300).replace('a', "b")));
}
