use super::super::codes::tests::cone;
use super::*;
use crate::contract::{self, change};
use yizhan_domain::ErrorCode;

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

fn many(rows: &[Vec<f32>], first: u64) -> Vec<Change> {
    let entries = |(n, rows): (usize, &[Vec<f32>])| {
        let document = first + n as u64;
        let entries: Vec<(u64, &str, &[f32])> =
            rows.iter().enumerate().map(|(k, row)| (document * 10 + k as u64, "", row.as_slice())).collect();
        change(document, document, &entries)
    };
    rows.chunks(10).enumerate().map(entries).collect()
}

/// Share of the exact best ten that a search finds.
fn recall(index: &FlatIndex, queries: &[Vec<f32>], within: Option<&DocumentSet>) -> f32 {
    let (mut found, mut wanted) = (0, 0);
    for query in queries {
        let exact = index.search_exactly(query, 10, within).unwrap();
        let hits = index.search(query, 10, within).unwrap();
        wanted += exact.len();
        found += exact.iter().filter(|hit| hits.contains(hit)).count();
    }
    found as f32 / wanted as f32
}

#[test]
fn codes_find_what_comparing_all_finds_also_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let rows = cone(9_000, 64, 1);
    let queries = cone(20, 64, 2);
    let index = FlatIndex::open(directory.path(), 64).unwrap();
    index.apply(&many(&rows[..5_000], 0)).unwrap();
    index.flush().unwrap();
    index.apply(&many(&rows[5_000..], 500)).unwrap();
    assert!(index.state.read().codes.is_some());
    let half = contract::documents(&(0..900).filter(|n| n % 2 == 0).collect::<Vec<_>>());
    let few = contract::documents(&[3, 44, 555]);
    for within in [None, Some(&half), Some(&few)] {
        assert!(recall(&index, &queries, within) >= 0.99, "{}", recall(&index, &queries, within));
    }
    index.flush().unwrap();
    let before = index.search(&queries[0], 50, None).unwrap();
    drop(index);
    assert!(directory.path().join("codes-1").exists());
    let index = FlatIndex::open(directory.path(), 64).unwrap();
    assert_eq!(index.search(&queries[0], 50, None).unwrap(), before);
    fs::write(directory.path().join("codes-1"), b"damaged").unwrap();
    drop(index);
    let index = FlatIndex::open(directory.path(), 64).unwrap();
    assert!(recall(&index, &queries, None) >= 0.99, "codes are made again from the rows");
}

#[test]
fn deleted_rows_are_not_found_by_codes() {
    let directory = tempfile::tempdir().unwrap();
    let rows = cone(6_000, 64, 3);
    let index = FlatIndex::open(directory.path(), 64).unwrap();
    index.apply(&many(&rows, 0)).unwrap();
    index.flush().unwrap();
    let gone: Vec<Change> = (0..600).filter(|n| n % 3 == 0).map(|n| change(1_000 + n, n, &[])).collect();
    index.apply(&gone).unwrap();
    for query in &rows[..30] {
        let hits = index.search(query, 20, None).unwrap();
        assert!(hits.iter().all(|hit| hit.document.0 % 3 != 0));
        assert_eq!(hits.len(), 20);
    }
    assert!(recall(&index, &rows[..30], None) >= 0.99);
}

#[test]
fn growth_takes_a_new_centre() {
    let directory = tempfile::tempdir().unwrap();
    let rows = cone(17_000, 16, 3);
    let index = FlatIndex::open(directory.path(), 16).unwrap();
    index.apply(&many(&rows[..4_200], 0)).unwrap();
    index.flush().unwrap();
    assert_eq!(index.state.read().codes.as_ref().map(|codes| codes.trained()), Some(4_200));
    index.apply(&many(&rows[4_200..], 420)).unwrap();
    index.flush().unwrap();
    assert_eq!(index.state.read().codes.as_ref().map(|codes| codes.trained()), Some(17_000));
}

#[test]
fn a_torn_tail_is_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let index = FlatIndex::open(directory.path(), 2).unwrap();
    index.apply(&[change(1, 1, &[(1, "", &[1.0, 0.0])])]).unwrap();
    index.flush().unwrap();
    index.apply(&[change(2, 2, &[(2, "", &[1.0, 0.0])])]).unwrap();
    drop(index);
    let path = directory.path().join("log-1");
    let whole = fs::read(&path).unwrap();
    for cut in 1..30 {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let index = FlatIndex::open(directory.path(), 2).unwrap();
        assert_eq!((index.applied(), chunks(&index)), (Sequence(1), vec![1]), "{cut} bytes short");
    }
}
