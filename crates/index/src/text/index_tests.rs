use super::*;
use crate::contract::{self, change};

#[test]
fn contract_holds() {
    let directories = Mutex::new(Vec::new());
    contract::text_index(|| {
        let directory = tempfile::tempdir().unwrap();
        let index = TantivyIndex::open(directory.path(), &[]).unwrap();
        directories.lock().push(directory);
        Box::new(index)
    });
}

fn chunks(index: &TantivyIndex, query: &str) -> Vec<u64> {
    index.search(query, 100, None).unwrap().iter().map(|hit| hit.chunk.0).collect()
}

#[test]
fn what_was_applied_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let index = TantivyIndex::open(directory.path(), &[]).unwrap();
    index.apply(&[change(1, 1, &[(1, "alpha 甲", &[])]), change(2, 2, &[(2, "beta 乙", &[])])]).unwrap();
    index.flush().unwrap();
    index.apply(&[change(3, 1, &[])]).unwrap();
    assert_eq!(index.applied(), Sequence(2));
    drop(index);
    let index = TantivyIndex::open(directory.path(), &[]).unwrap();
    assert_eq!((index.applied(), index.len()), (Sequence(3), 1));
    assert_eq!((chunks(&index, "beta"), chunks(&index, "alpha")), (vec![2], vec![]));
}

#[test]
fn the_bases_own_words_are_found_whole() {
    let directory = tempfile::tempdir().unwrap();
    let dictionary = ["a型钢".to_owned()];
    let index = TantivyIndex::open(directory.path(), &dictionary).unwrap();
    index.apply(&[change(1, 1, &[(1, "型钢 A 种，型钢 A 类", &[]), (2, "用的是 A型鋼 一类的", &[])])]).unwrap();
    assert_eq!(chunks(&index, "Ａ型钢")[0], 2);
    drop(index);
    let other = TantivyIndex::open(directory.path(), &[]).err().map(|error| error.code());
    assert_eq!(other, Some(ErrorCode::InvalidConfig), "terms were made with other words");
}

#[test]
fn several_readers_and_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let first = TantivyIndex::open(directory.path(), &[]).unwrap();
    first.apply(&[change(1, 1, &[(1, "alpha", &[])])]).unwrap();
    let second = TantivyIndex::open(directory.path(), &[]).unwrap();
    assert_eq!(chunks(&second, "alpha"), [1]);
    let refused = second.apply(&[change(2, 2, &[(2, "beta", &[])])]).err().map(|error| error.code());
    assert_eq!(refused, Some(ErrorCode::Conflict));
}

#[test]
fn damaged_and_foreign_directories_say_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let open = || TantivyIndex::open(directory.path(), &[]).err();
    drop(TantivyIndex::open(directory.path(), &[]).unwrap());
    assert_eq!(open(), None, "made, and nothing written yet");
    std::fs::write(directory.path().join("meta.json"), "{").unwrap();
    let error = open().unwrap();
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    assert!(error.message().contains("rebuilt"), "{error}");
    std::fs::remove_file(directory.path().join("meta.json")).unwrap();
    assert_eq!(open().map(|error| error.code()), Some(ErrorCode::InvalidConfig), "files without a list of them");
}

#[test]
fn a_torn_segment_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let index = TantivyIndex::open(directory.path(), &[]).unwrap();
    index.apply(&[change(1, 1, &[(1, "alpha 甲", &[])])]).unwrap();
    drop(index);
    for entry in std::fs::read_dir(directory.path()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".term") || name.ends_with(".idx") {
            let bytes = std::fs::read(entry.path()).unwrap();
            std::fs::write(entry.path(), &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    let outcome = TantivyIndex::open(directory.path(), &[]).and_then(|index| index.search("alpha", 1, None));
    assert_eq!(outcome.err().map(|error| error.code()), Some(ErrorCode::InvalidConfig));
}
