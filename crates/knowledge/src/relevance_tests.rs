use super::*;

#[test]
fn terms_are_words_and_pairs_of_characters() {
    let terms = terms("Packages: 软件包 apt-get, the GPU");
    let expected: HashSet<String> =
        ["packag", "软件", "件包", "apt", "get", "gpu"].iter().map(|term| (*term).to_owned()).collect();
    assert_eq!(terms, expected);
}

#[test]
fn the_calibrated_cosine_decides_where_it_is_known() {
    let e5 = ModelName::new("multilingual-e5-small");
    let relevance = |cosine, coverage| Relevance { cosine, coverage };
    // Typical of a question that is answered, and of one that is not.
    assert!(relevance(Some(0.871), 0.5).is_enough(Some(&e5), None));
    assert!(!relevance(Some(0.855), 0.0).is_enough(Some(&e5), None));
    assert!(relevance(Some(0.855), 0.0).is_enough(Some(&e5), Some(0.8)), "an application's own threshold wins");
}

#[test]
fn words_decide_where_no_cosine_or_no_scale_is_known() {
    let other = ModelName::new("all-minilm-l6-v2");
    for (model, cosine) in [(None, None), (Some(&other), Some(0.4))] {
        assert!(Relevance { cosine, coverage: 0.5 }.is_enough(model, None));
        assert!(!Relevance { cosine, coverage: 0.1 }.is_enough(model, None));
    }
}

#[test]
fn nothing_found_is_never_enough() {
    let relevance = Relevance::of("Where is it?", &[]);
    assert!(!relevance.is_enough(None, None));
    assert_eq!(relevance, Relevance { cosine: None, coverage: 0.0 });
}
