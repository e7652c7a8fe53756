use super::*;
use crate::contract::{self, change};

#[test]
fn contract_holds() {
    let directories = Mutex::new(Vec::new());
    contract::vector_index(|dimensions| {
        let directory = tempfile::tempdir().unwrap();
        let index = FlatIndex::open(directory.path(), dimensions).unwrap();
        directories.lock().push(directory);
        Box::new(index)
    });
}

fn chunks(index: &FlatIndex) -> Vec<u64> {
    index.search(&[1.0, 0.0], 100, None).unwrap().iter().map(|hit| hit.chunk.0).collect()
}

#[test]
fn what_was_flushed_is_there_after_reopening_and_the_rest_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let index = FlatIndex::open(directory.path(), 2).unwrap();
    index.apply(&[change(1, 1, &[(1, "", &[1.0, 0.0])]), change(2, 2, &[(2, "", &[0.0, 1.0])])]).unwrap();
    index.flush().unwrap();
    index.apply(&[change(3, 1, &[]), change(4, 3, &[(3, "", &[1.0, 0.0])])]).unwrap();
    assert_eq!(chunks(&index), [3, 2]);
    drop(index);
    let index = FlatIndex::open(directory.path(), 2).unwrap();
    assert_eq!((index.applied(), chunks(&index)), (Sequence(2), vec![1, 2]));
    index.apply(&[change(3, 1, &[]), change(4, 3, &[(3, "", &[1.0, 0.0])])]).unwrap();
    index.flush().unwrap();
    drop(index);
    let index = FlatIndex::open(directory.path(), 2).unwrap();
    assert_eq!((index.applied(), chunks(&index)), (Sequence(4), vec![3, 2]));
}

#[test]
fn compaction_keeps_what_is_alive() {
    let directory = tempfile::tempdir().unwrap();
    let index = FlatIndex::open(directory.path(), 2).unwrap();
    let entries: Vec<(u64, &str, &[f32])> = (0..FEWEST_DEAD as u64).map(|n| (n, "", &[0.0, 1.0][..])).collect();
    index.apply(&[change(1, 1, &entries), change(2, 2, &[(7_777, "", &[1.0, 0.0])]), change(3, 1, &[])]).unwrap();
    index.flush().unwrap();
    assert!(directory.path().join("rows-2").exists() && !directory.path().join("rows-1").exists());
    assert_eq!((index.len(), chunks(&index)), (1, vec![7_777]));
    index.apply(&[change(4, 3, &[(8_888, "", &[0.5, 0.0])])]).unwrap();
    index.flush().unwrap();
    drop(index);
    let index = FlatIndex::open(directory.path(), 2).unwrap();
    assert_eq!((index.applied(), chunks(&index)), (Sequence(4), vec![7_777, 8_888]));
}

fn code_of(result: Result<FlatIndex>) -> Option<ErrorCode> {
    result.err().map(|error| error.code())
}

#[test]
fn damaged_and_foreign_directories_are_told_apart_from_busy_ones() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let index = FlatIndex::open(path, 2).unwrap();
    assert_eq!(code_of(FlatIndex::open(path, 2)), Some(ErrorCode::Conflict));
    index.apply(&[change(1, 1, &[(1, "", &[1.0, 0.0])])]).unwrap();
    index.flush().unwrap();
    drop(index);
    assert_eq!(code_of(FlatIndex::open(path, 3)), Some(ErrorCode::InvalidConfig), "another length");
    fs::write(path.join("rows-1"), b"short").unwrap();
    assert_eq!(code_of(FlatIndex::open(path, 2)), Some(ErrorCode::InvalidConfig), "rows are missing");
    fs::write(path.join("log-1"), b"garbage").unwrap();
    assert_eq!(code_of(FlatIndex::open(path, 2)), Some(ErrorCode::InvalidConfig), "not a log");
    fs::write(path.join("current"), b"x").unwrap();
    assert_eq!(code_of(FlatIndex::open(path, 2)), Some(ErrorCode::InvalidConfig), "no generation");
    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("letter.txt"), b"dear").unwrap();
    assert_eq!(code_of(FlatIndex::open(foreign.path(), 2)), Some(ErrorCode::InvalidConfig), "not an index");
    assert_eq!(code_of(FlatIndex::open(foreign.path(), 0)), Some(ErrorCode::InvalidRequest));
}
