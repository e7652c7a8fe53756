use crate::contract::change;
use crate::{TantivyIndex, TextIndex};
use proptest::prelude::*;

#[test]
fn a_passage_as_a_query_keeps_its_rare_terms() {
    let directory = tempfile::tempdir().unwrap();
    let index = TantivyIndex::open(directory.path(), &[]).unwrap();
    let common: String = (0..400).map(|n| format!("word{n}x ")).collect();
    index
        .apply(&[
            change(1, 1, &[(1, &common, &[])]),
            change(2, 2, &[(2, &common, &[])]),
            change(3, 3, &[(3, "zebrafish", &[])]),
        ])
        .unwrap();
    let query = format!("{common} zebrafish");
    let hits = index.search(&query, 3, None).unwrap();
    assert!(hits.iter().any(|hit| hit.chunk.0 == 3), "{hits:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_text_is_a_query(text in "\\PC{0,200}") {
        static INDEX: std::sync::LazyLock<(tempfile::TempDir, TantivyIndex)> = std::sync::LazyLock::new(|| {
            let directory = tempfile::tempdir().unwrap();
            let index = TantivyIndex::open(directory.path(), &[]).unwrap();
            index.apply(&[change(1, 1, &[(1, "something 东西", &[])])]).unwrap();
            (directory, index)
        });
        prop_assert!(INDEX.1.search(&text, 3, None).is_ok());
    }
}
