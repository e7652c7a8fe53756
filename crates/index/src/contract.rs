//! What every implementation of the two traits keeps to, as functions that any driver's tests call.
//!
//! It knows no driver. A broken promise panics, as a failed assertion of the caller's test.
//! Order by relevance is a matter of quality, not of contract, but for the plainest cases.
#![allow(clippy::unwrap_used, reason = "it is test code that other crates' tests share")]

use crate::{Change, DocumentSet, Entry, Hit, TextIndex, VectorIndex};
use std::collections::HashSet;
use std::slice::from_ref;
use yizhan_domain::{ChunkId, DocumentId, ErrorCode, Sequence};

/// A change that gives a document these chunks: number, text, vector.
pub fn change(sequence: u64, document: u64, entries: &[(u64, &str, &[f32])]) -> Change {
    let entry = |(chunk, text, vector): &(u64, &str, &[f32])| Entry {
        chunk: ChunkId(*chunk),
        heading: String::new(),
        text: (*text).to_owned(),
        vector: vector.to_vec(),
    };
    Change {
        sequence: Sequence(sequence),
        document: DocumentId(document),
        entries: entries.iter().map(entry).collect(),
    }
}

/// A set of documents by number.
pub fn documents(numbers: &[u64]) -> DocumentSet {
    DocumentSet::new(numbers.iter().copied().map(DocumentId).collect())
}

fn chunks(hits: &[Hit]) -> Vec<u64> {
    hits.iter().map(|hit| hit.chunk.0).collect()
}

fn assert_ranked(hits: &[Hit]) {
    let unique: HashSet<ChunkId> = hits.iter().map(|hit| hit.chunk).collect();
    assert_eq!(unique.len(), hits.len(), "a chunk came twice");
    for pair in hits.windows(2) {
        let ordered =
            pair[0].score > pair[1].score || (pair[0].score == pair[1].score && pair[0].chunk < pair[1].chunk);
        assert!(ordered, "{pair:?} are out of order");
    }
}

/// The whole suite for a text index; `fresh` makes an empty one.
pub fn text_index(fresh: impl Fn() -> Box<dyn TextIndex>) {
    text_is_empty_at_first(&*fresh());
    text_finds_what_was_applied(&*fresh());
    text_folds_forms(&*fresh());
    text_finds_identifiers(&*fresh());
    text_replaces_and_deletes(&*fresh());
    text_counts_what_is_flushed(&*fresh());
    text_stays_within(&*fresh());
    text_takes_any_query(&*fresh());
    text_breaks_ties_by_chunk(&*fresh());
}

fn text_is_empty_at_first(index: &dyn TextIndex) {
    assert!(index.is_empty());
    assert_eq!(index.applied(), Sequence(0));
    assert!(index.search("anything 任何", 10, None).unwrap().is_empty());
    index.apply(&[]).unwrap();
    index.flush().unwrap();
    assert_eq!((index.len(), index.applied()), (0, Sequence(0)));
}

fn text_finds_what_was_applied(index: &dyn TextIndex) {
    index.apply(&[change(1, 1, &[(10, "糖尿病患者的饮食", &[]), (11, "how to restart the gateway", &[])])]).unwrap();
    index.apply(&[change(2, 2, &[(20, "高血压的药物治疗", &[])])]).unwrap();
    assert_eq!(index.len(), 3);
    assert_eq!(chunks(&index.search("糖尿病", 10, None).unwrap()), [10]);
    assert_eq!(chunks(&index.search("Restart Gateway", 10, None).unwrap()), [11]);
    assert_eq!(chunks(&index.search("药物", 10, None).unwrap()), [20]);
    let hit = index.search("高血压", 1, None).unwrap()[0];
    assert_eq!((hit.document, hit.chunk), (DocumentId(2), ChunkId(20)));
    let mut headed = change(3, 3, &[(30, "plain", &[])]);
    headed.entries[0].heading = "安装 / Requirements".to_owned();
    index.apply(&[headed]).unwrap();
    assert_eq!(chunks(&index.search("安装", 10, None).unwrap()), [30], "headings are searched");
    assert_eq!(chunks(&index.search("requirements", 10, None).unwrap()), [30]);
}

fn text_folds_forms(index: &dyn TextIndex) {
    index.apply(&[change(1, 1, &[(1, "資料庫管理系統", &[]), (2, "ＡＢＣ公司", &[])])]).unwrap();
    assert_eq!(chunks(&index.search("数据库管理系统资料", 1, None).unwrap()), [1]);
    assert_eq!(chunks(&index.search("abc", 10, None).unwrap()), [2]);
    assert_eq!(chunks(&index.search("庫", 10, None).unwrap()), [1], "a single character is found");
}

fn text_finds_identifiers(index: &dyn TextIndex) {
    let texts = [
        (1, "按 GB/T 19001-2016 执行"),
        (2, "part ABC-1234.5 and ABC-1234"),
        (3, "call snake_case or camelCase"),
        (4, "released v1.2.3 today"),
        (5, "write to help@example.com"),
        (6, "see /usr/share/doc"),
        (7, "19001 and 2016, 1234, share, case, example"),
    ];
    let entries: Vec<(u64, &str, &[f32])> = texts.iter().map(|(chunk, text)| (*chunk, *text, &[][..])).collect();
    index.apply(&[change(1, 1, &entries)]).unwrap();
    let queries = [
        ("GB/T 19001-2016", 1),
        ("gb/t19001", 1),
        ("abc-1234.5", 2),
        ("snake_case", 3),
        ("camelcase", 3),
        ("v1.2.3", 4),
        ("help@example.com", 5),
        ("/usr/share/doc/", 6),
    ];
    for (query, chunk) in queries {
        assert_eq!(chunks(&index.search(query, 1, None).unwrap()), [chunk], "{query}");
    }
}

fn text_replaces_and_deletes(index: &dyn TextIndex) {
    let first = change(1, 1, &[(1, "alpha", &[]), (2, "beta", &[])]);
    index.apply(from_ref(&first)).unwrap();
    index.apply(&[first]).unwrap();
    assert_eq!(index.len(), 2, "twice is as once");
    index.apply(&[change(2, 1, &[(3, "gamma", &[])])]).unwrap();
    assert_eq!(index.len(), 1);
    assert!(index.search("alpha beta", 10, None).unwrap().is_empty());
    assert_eq!(chunks(&index.search("gamma", 10, None).unwrap()), [3]);
    index.apply(&[change(3, 2, &[(4, "delta", &[])]), change(4, 2, &[(5, "epsilon", &[])])]).unwrap();
    assert!(index.search("delta", 10, None).unwrap().is_empty(), "the later of two changes counts");
    index.apply(&[change(5, 1, &[]), change(6, 2, &[]), change(7, 99, &[])]).unwrap();
    assert!(index.is_empty());
    assert!(index.search("gamma epsilon", 10, None).unwrap().is_empty());
}

fn text_counts_what_is_flushed(index: &dyn TextIndex) {
    index.apply(&[change(5, 1, &[(1, "one", &[])])]).unwrap();
    assert_eq!(index.applied(), Sequence(0), "not before it is flushed");
    index.flush().unwrap();
    assert_eq!(index.applied(), Sequence(5));
    index.apply(&[change(9, 1, &[])]).unwrap();
    index.flush().unwrap();
    assert_eq!(index.applied(), Sequence(9));
}

fn text_stays_within(index: &dyn TextIndex) {
    let all: Vec<Change> = (1..=50).map(|n| change(n, n, &[(n, "common 共同的文字", &[])])).collect();
    index.apply(&all).unwrap();
    let set = documents(&[7, 41, 7, 1000]);
    assert_eq!(chunks(&index.search("common 文字", 10, Some(&set)).unwrap()), [7, 41]);
    assert!(index.search("common", 10, Some(&documents(&[]))).unwrap().is_empty());
    assert_eq!(index.search("common", 10, None).unwrap().len(), 10);
}

fn text_takes_any_query(index: &dyn TextIndex) {
    index.apply(&[change(1, 1, &[(1, "needle 针", &[])])]).unwrap();
    for query in ["", " \n\t", "。，！？", "\u{0}", "🙂"] {
        assert!(index.search(query, 10, None).unwrap().is_empty(), "{query:?} has no words");
    }
    for query in ["needle AND (", "text:needle", "\"needle", "needle~2^9", "+needle -needle", "[needle TO *}", "针*"] {
        assert_eq!(chunks(&index.search(query, 10, None).unwrap()), [1], "{query:?} is data");
    }
    let long = format!("needle {}", "词语 word ".repeat(20_000));
    assert_eq!(chunks(&index.search(&long, 10, None).unwrap()), [1]);
    assert!(index.search("needle", 0, None).unwrap().is_empty());
    assert_eq!(index.search("needle", usize::MAX, None).unwrap().len(), 1);
}

fn text_breaks_ties_by_chunk(index: &dyn TextIndex) {
    for n in (1..=20u64).rev() {
        index.apply(&[change(21 - n, n, &[(n, "same words here", &[])])]).unwrap();
    }
    let hits = index.search("words", 5, None).unwrap();
    assert_eq!(chunks(&hits), [1, 2, 3, 4, 5]);
    assert_ranked(&index.search("same words here", 20, None).unwrap());
}

/// The whole suite for a vector index; `fresh` makes an empty one for vectors of that length.
pub fn vector_index(fresh: impl Fn(usize) -> Box<dyn VectorIndex>) {
    vectors_are_empty_at_first(&*fresh(3));
    vectors_are_ranked_by_product(&*fresh(3));
    vectors_are_replaced_and_deleted(&*fresh(2));
    vectors_count_what_is_flushed(&*fresh(2));
    vectors_stay_within(&*fresh(2));
    vectors_of_wrong_form_are_refused(&*fresh(2));
    vectors_that_tie_go_by_chunk(&*fresh(2));
}

fn vectors_are_empty_at_first(index: &dyn VectorIndex) {
    assert!(index.is_empty());
    assert_eq!((index.dimensions(), index.applied()), (3, Sequence(0)));
    assert!(index.search(&[1.0, 0.0, 0.0], 10, None).unwrap().is_empty());
    index.apply(&[]).unwrap();
    index.flush().unwrap();
    assert_eq!(index.applied(), Sequence(0));
}

fn vectors_are_ranked_by_product(index: &dyn VectorIndex) {
    let half = 0.5f32.sqrt();
    index
        .apply(&[
            change(1, 1, &[(1, "", &[1.0, 0.0, 0.0]), (2, "", &[0.0, 1.0, 0.0])]),
            change(2, 2, &[(3, "", &[half, half, 0.0]), (4, "", &[-1.0, 0.0, 0.0]), (5, "", &[])]),
        ])
        .unwrap();
    assert_eq!(index.len(), 4, "an empty vector is passed over");
    let hits = index.search(&[1.0, 0.0, 0.0], 10, None).unwrap();
    assert_eq!(chunks(&hits), [1, 3, 2, 4]);
    assert_ranked(&hits);
    assert!((hits[0].score - 1.0).abs() < 1e-5 && (hits[1].score - half).abs() < 1e-5, "{hits:?}");
    assert_eq!((hits[1].document, hits[3].score), (DocumentId(2), -1.0));
    assert_eq!(chunks(&index.search(&[1.0, 0.0, 0.0], 2, None).unwrap()), [1, 3]);
    assert!(index.search(&[1.0, 0.0, 0.0], 0, None).unwrap().is_empty());
    assert_eq!(index.search(&[1.0, 0.0, 0.0], usize::MAX, None).unwrap().len(), 4);
}

fn vectors_are_replaced_and_deleted(index: &dyn VectorIndex) {
    let first = change(1, 1, &[(1, "", &[1.0, 0.0]), (2, "", &[0.0, 1.0])]);
    index.apply(from_ref(&first)).unwrap();
    index.apply(&[first]).unwrap();
    assert_eq!(index.len(), 2, "twice is as once");
    index.apply(&[change(2, 1, &[(3, "", &[0.0, 1.0])]), change(3, 2, &[(4, "", &[1.0, 0.0])])]).unwrap();
    assert_eq!(chunks(&index.search(&[1.0, 0.0], 10, None).unwrap()), [4, 3]);
    index.apply(&[change(4, 2, &[(5, "", &[1.0, 0.0])]), change(5, 2, &[]), change(6, 77, &[])]).unwrap();
    assert_eq!(chunks(&index.search(&[1.0, 0.0], 10, None).unwrap()), [3]);
    index.apply(&[change(7, 1, &[])]).unwrap();
    assert!(index.is_empty());
    assert!(index.search(&[1.0, 0.0], 10, None).unwrap().is_empty());
}

fn vectors_count_what_is_flushed(index: &dyn VectorIndex) {
    index.apply(&[change(5, 1, &[(1, "", &[1.0, 0.0])])]).unwrap();
    assert_eq!(index.applied(), Sequence(0), "not before it is flushed");
    index.flush().unwrap();
    assert_eq!(index.applied(), Sequence(5));
    index.apply(&[change(9, 1, &[])]).unwrap();
    index.flush().unwrap();
    assert_eq!(index.applied(), Sequence(9));
}

fn vectors_stay_within(index: &dyn VectorIndex) {
    let all: Vec<Change> = (1..=50u64)
        .map(|n| {
            let angle = n as f32 / 50.0;
            change(n, n, &[(n, "", &[angle.cos(), angle.sin()])])
        })
        .collect();
    index.apply(&all).unwrap();
    let set = documents(&[41, 7, 7, 1000]);
    assert_eq!(chunks(&index.search(&[1.0, 0.0], 10, Some(&set)).unwrap()), [7, 41]);
    assert_eq!(chunks(&index.search(&[1.0, 0.0], 1, Some(&set)).unwrap()), [7]);
    assert!(index.search(&[1.0, 0.0], 10, Some(&documents(&[]))).unwrap().is_empty());
}

fn vectors_of_wrong_form_are_refused(index: &dyn VectorIndex) {
    let invalid = Some(ErrorCode::InvalidRequest);
    let code = |result: yizhan_domain::Result<()>| result.err().map(|error| error.code());
    let mixed = [change(1, 1, &[(1, "", &[1.0, 0.0])]), change(2, 2, &[(2, "", &[1.0, 0.0, 0.0])])];
    assert_eq!(code(index.apply(&mixed)), invalid);
    assert!(index.is_empty(), "all or nothing");
    for query in [&[][..], &[1.0], &[1.0, 0.0, 0.0], &[f32::NAN, 0.0], &[f32::INFINITY, 0.0]] {
        assert_eq!(code(index.search(query, 10, None).map(drop)), invalid, "{query:?}");
    }
    let odd: &[(u64, &str, &[f32])] =
        &[(1, "", &[f32::NAN, 1.0]), (2, "", &[f32::INFINITY, 0.0]), (3, "", &[0.0, 0.0])];
    index.apply(&[change(3, 3, odd)]).unwrap();
    assert_eq!(index.len(), 1, "what cannot be compared is passed over");
    let hits = index.search(&[1.0, 0.0], 10, None).unwrap();
    assert_eq!((chunks(&hits), hits[0].score), (vec![3], 0.0), "a zero vector is at a right angle to all");
}

fn vectors_that_tie_go_by_chunk(index: &dyn VectorIndex) {
    for n in (1..=20u64).rev() {
        index.apply(&[change(21 - n, n, &[(n, "", &[0.6, 0.8])])]).unwrap();
    }
    assert_eq!(chunks(&index.search(&[1.0, 0.0], 5, None).unwrap()), [1, 2, 3, 4, 5]);
    assert_eq!(chunks(&index.search(&[0.0, 0.0], 3, None).unwrap()), [1, 2, 3], "a zero query ties with all");
}
