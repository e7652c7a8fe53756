use super::*;

fn collect(fill: impl FnOnce(&mut dyn FnMut(&str))) -> Vec<String> {
    let mut list = Vec::new();
    fill(&mut |word| list.push(word.to_owned()));
    list
}

#[test]
fn compounds_come_with_the_words_inside() {
    let found = collect(|emit| words("中华人民共和国", emit));
    for word in ["中华", "人民", "共和国", "中华人民共和国"] {
        assert!(found.iter().any(|one| one == word), "{word} in {found:?}");
    }
}

#[test]
fn pairs_of_neighbours() {
    assert_eq!(collect(|emit| bigrams("知识库", emit)), ["知识", "识库"]);
    assert!(collect(|emit| bigrams("库", emit)).is_empty());
}

#[test]
fn own_words_are_found_wherever_they_stand() {
    let user = UserWords::new(&["Ａ型鋼".into(), "驿站".into(), "x".into(), "latin".into(), "  ".into()]);
    assert_eq!(collect(|emit| user.find("采用a型钢，见驿站驿站", emit)), ["a型钢", "驿站", "驿站"]);
}
