use super::*;

fn user() -> UserWords {
    UserWords::new(&["碳纤维板".to_owned()])
}

#[test]
fn a_text_has_words_and_grams() {
    let terms = of_text("採用碳纖維板 ABC-12", &user());
    for word in ["采用", "碳纤维板", "abc-12", "abc", "12"] {
        assert!(terms.words.iter().any(|one| one == word), "{word} in {:?}", terms.words);
    }
    for gram in ["碳纤", "维板", "板"] {
        assert!(terms.grams.iter().any(|one| one == gram), "{gram} in {:?}", terms.grams);
    }
}

#[test]
fn a_query_uses_single_characters_only_where_it_has_nothing_else() {
    let grams = |query| -> Vec<String> {
        of_query(query, &user()).into_iter().filter(|(kind, _)| *kind == Kind::Gram).map(|(_, term)| term).collect()
    };
    assert_eq!(grams("钾"), ["钾"]);
    assert_eq!(grams("血钾"), ["血钾"]);
}

#[test]
fn plurals_meet_their_singular() {
    let cases = [
        ("queries", "query"),
        ("databases", "database"),
        ("files", "file"),
        ("class", "class"),
        ("status", "status"),
        ("bus", "bus"),
        ("gas", "gas"),
        ("zombies", "zomby"),
        ("shoes", "shoes"),
        ("ids", "ids"),
        ("keys", "key"),
    ];
    for (plural, expected) in cases {
        assert_eq!(singular(plural.to_owned()), expected, "{plural}");
    }
}

#[test]
fn text_and_query_agree() {
    for text in ["GB/T 19001-2016", "snake_case", "Ｆｕｌｌ　Ｗｉｄｔｈ", "資料庫", "files"] {
        let indexed = of_text(text, &user());
        for (_, term) in of_query(text, &user()) {
            assert!(indexed.words.contains(&term) || indexed.grams.contains(&term), "{term} of {text}");
        }
    }
}
