use super::lines;

#[test]
fn columns_stand_below_each_other() {
    let rows = [vec!["诊所".to_owned(), "5".to_owned()], vec!["b".to_owned(), "1200".to_owned()]];
    assert_eq!(lines(&["TENANT", "CALLS"], &rows, 1), ["TENANT  CALLS", "诊所        5", "b        1200"]);
    assert_eq!(lines(&["A", "B"], &[], 2), ["A  B"]);
    let ragged = [vec!["long text".to_owned(), String::new()]];
    assert_eq!(lines(&["A", "B"], &ragged, 2), ["A          B", "long text"]);
}
