use super::super::codes::tests::cone;
use super::*;

fn codes(rows: &[Vec<f32>]) -> Codes {
    let mut codes = Codes::train(rows[0].len(), rows.len(), |row| &rows[row]);
    rows.iter().for_each(|row| codes.push(row));
    codes
}

fn estimates(codes: &Codes, query: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; codes.len().next_multiple_of(LANES)];
    codes.estimate(&codes.query(query), 0, &mut out);
    out.truncate(codes.len());
    out
}

#[test]
fn codes_come_back_and_grow() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("codes-1");
    let rows = cone(50, 70, 5);
    let mut first = codes(&rows[..21]);
    replace(&path, &first).unwrap();
    rows[21..].iter().for_each(|row| first.push(row));
    save(&path, &first, 21).unwrap();
    let loaded = load(&path, 70, 50).unwrap().unwrap();
    assert_eq!(estimates(&loaded, &rows[0]), estimates(&first, &rows[0]));
    // Rows that were not committed are encoded anew.
    let mut fewer = load(&path, 70, 13).unwrap().unwrap();
    assert_eq!(fewer.len(), 13);
    rows[13..].iter().for_each(|row| fewer.push(row));
    assert_eq!(estimates(&fewer, &rows[0]), estimates(&first, &rows[0]));
}

#[test]
fn damage_is_no_codes_and_no_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("codes-1");
    assert!(load(&path, 70, 50).unwrap().is_none(), "missing");
    replace(&path, &codes(&cone(20, 70, 5))).unwrap();
    assert!(load(&path, 71, 20).unwrap().is_none(), "another length");
    let whole = fs::read(&path).unwrap();
    for position in [0, 9, 20, 40, 100] {
        let mut bytes = whole.clone();
        bytes[position] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(load(&path, 70, 20).unwrap().is_none(), "a flipped bit at {position}");
    }
    for length in [0, 50, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(load(&path, 70, 20).unwrap().is_none(), "cut to {length}");
    }
}
