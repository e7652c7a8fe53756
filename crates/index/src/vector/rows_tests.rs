use super::*;

#[test]
fn rows_come_back_after_growing_and_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows");
    let mut rows = Rows::open(&path, 3, 0).unwrap();
    assert!(rows.all().is_empty() && rows.row(0).is_empty());
    let row = |n: usize| [n as f32, 0.5, -1.0];
    for n in 0..100_000 {
        rows.append([&row(n)[..]].into_iter()).unwrap();
    }
    rows.sync().unwrap();
    drop(rows);
    let rows = Rows::open(&path, 3, 99_999).unwrap();
    assert_eq!((rows.len(), rows.row(0), rows.row(99_998)), (99_999, &row(0)[..], &row(99_998)[..]));
    assert!(rows.row(99_999).is_empty());
}

#[test]
fn a_file_that_lost_rows_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows");
    let mut rows = Rows::open(&path, 2, 0).unwrap();
    rows.append([&[1.0f32, 2.0][..]].into_iter()).unwrap();
    drop(rows);
    File::options().write(true).open(&path).unwrap().set_len(7).unwrap();
    assert_eq!(Rows::open(&path, 2, 1).err().map(|error| error.kind()), Some(io::ErrorKind::UnexpectedEof));
}
