use super::*;
use proptest::prelude::*;

fn pieces(text: &str) -> Vec<String> {
    let mut list = Vec::new();
    scan(text, |piece| {
        list.push(match piece {
            Piece::Cjk(run) => run.to_owned(),
            Piece::Word(word) => word,
            Piece::Whole(whole) => format!("={whole}"),
            Piece::Part(part) => format!("-{part}"),
        });
    });
    list
}

#[test]
fn words_are_lowered_and_punctuation_dropped() {
    assert_eq!(pieces("Hello, World! (again)"), ["hello", "world", "again"]);
    assert_eq!(pieces("end. Next"), ["end", "next"]);
}

#[test]
fn identifiers_come_whole_and_in_parts() {
    assert_eq!(pieces("GB/T 19001-2016"), ["=gb/t", "-gb", "-t", "=19001-2016", "-19001", "-2016"]);
    assert_eq!(pieces("ABC-1234.5"), ["=abc-1234.5", "-abc", "-1234", "-5"]);
    assert_eq!(pieces("snake_case"), ["=snake_case", "-snake", "-case"]);
    assert_eq!(pieces("camelCase"), ["=camelcase", "-camel", "-case"]);
    assert_eq!(pieces("HTTPServer"), ["=httpserver", "-http", "-server"]);
    assert_eq!(pieces("v1.2.3"), ["=v1.2.3", "-v1", "-v", "-1", "-2", "-3"]);
    assert_eq!(pieces("a.b@example.com"), ["=a.b@example.com", "-a", "-b", "-example", "-com"]);
    assert_eq!(pieces("/usr/share/doc/"), ["=usr/share/doc", "-usr", "-share", "-doc"]);
    assert_eq!(pieces("std::vec"), ["=std::vec", "-std", "-vec"]);
}

#[test]
fn languages_with_signs_and_grouped_numbers() {
    assert_eq!(pieces("C++ and C#"), ["=c++", "-c", "and", "=c#", "-c"]);
    assert_eq!(pieces("1,234,567.8"), ["=1234567.8", "-1234567", "-8"]);
    assert_eq!(pieces("1,2"), ["1", "2"]);
}

#[test]
fn scripts_are_told_apart() {
    assert_eq!(pieces("使用GPU加速"), ["使用", "gpu", "加速"]);
    assert_eq!(pieces("第3章"), ["第", "3", "章"]);
}

#[test]
fn what_nobody_types_is_left_out() {
    assert_eq!(pieces(&"x".repeat(LONGEST_PART + 1)), Vec::<String>::new());
}

proptest! {
    #[test]
    fn any_text_is_cut_without_a_panic(text in "\\PC{0,120}") {
        scan(&text, |_| ());
    }
}
