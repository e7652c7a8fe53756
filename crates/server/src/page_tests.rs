use super::PageQuery;
use std::collections::HashMap;

fn query(fields: &[(&str, &str)]) -> yizhan_domain::Result<PageQuery> {
    PageQuery::read(
        fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<HashMap<_, _>>(),
    )
}

fn part(fields: &[(&str, &str)]) -> (String, bool) {
    let items = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    let (items, more) = query(fields).unwrap().part(items, String::as_str).unwrap();
    (items.concat(), more)
}

#[test]
fn parts_of_a_list() {
    assert_eq!(part(&[]), ("edcba".into(), false));
    assert_eq!(part(&[("order", "asc"), ("limit", "2")]), ("ab".into(), true));
    assert_eq!(part(&[("order", "asc"), ("limit", "2"), ("after", "b")]), ("cd".into(), true));
    assert_eq!(part(&[("order", "asc"), ("limit", "2"), ("after", "d")]), ("e".into(), false));
    assert_eq!(part(&[("limit", "2"), ("after", "e")]), ("dc".into(), true));
    assert_eq!(part(&[("order", "asc"), ("limit", "2"), ("before", "d")]), ("bc".into(), true));
    assert_eq!(part(&[("order", "asc"), ("limit", "9"), ("before", "c")]), ("ab".into(), false));
    assert_eq!(part(&[("order", "asc"), ("after", "a"), ("before", "d")]), ("bc".into(), false));
    assert_eq!(part(&[("order", "asc"), ("after", "d"), ("before", "b")]), (String::new(), false));
}

#[test]
fn wrong_queries_name_the_parameter() {
    for (field, value) in [("limit", "0"), ("limit", "many"), ("order", "up")] {
        assert_eq!(query(&[(field, value)]).unwrap_err().parameter(), Some(field));
    }
    let unknown = query(&[("after", "zz")]).unwrap().part(vec!["a".to_owned()], String::as_str);
    assert_eq!(unknown.unwrap_err().parameter(), Some("after"));
}
