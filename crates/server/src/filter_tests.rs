use super::{read_filter, read_mode};
use proptest::prelude::*;
use serde_json::{Value, json};
use yizhan_store::{Comparison, Compound, Filter};

fn compare(comparison: Comparison, key: &str, value: Value) -> Filter {
    Filter::Compare { comparison, key: key.to_owned(), value }
}

#[test]
fn conditions_are_read() {
    let value = json!({"type": "and", "filters": [
        {"type": "eq", "key": "area", "value": "north"},
        {"type": "or", "filters": [
            {"type": "gte", "key": "year", "value": 2024},
            {"type": "in", "key": "tags", "value": ["泵", "阀"]},
        ]},
    ]});
    let years = compare(Comparison::Gte, "year", json!(2024));
    let tags = compare(Comparison::In, "tags", json!(["泵", "阀"]));
    let either = Filter::Compound { operator: Compound::Or, filters: vec![years, tags] };
    let area = compare(Comparison::Eq, "area", json!("north"));
    let wanted = Filter::Compound { operator: Compound::And, filters: vec![area, either] };
    assert_eq!(read_filter("filters", value).unwrap(), wanted);
}

#[test]
fn errors_name_the_path() {
    for (value, path) in [
        (json!("x"), "f"),
        (json!({}), "f.type"),
        (json!({"type": "like"}), "f.type"),
        (json!({"type": "and"}), "f.filters"),
        (json!({"type": "and", "filters": [{"type": "eq", "key": 1}]}), "f.filters[0].key"),
        (json!({"type": "eq", "key": "a"}), "f.value"),
        (json!({"type": "eq", "key": "a", "value": [1]}), "f.value"),
        (json!({"type": "in", "key": "a", "value": 1}), "f.value"),
    ] {
        assert_eq!(read_filter("f", value).unwrap_err().parameter(), Some(path));
    }
    assert_eq!(read_mode("mode", "fast").unwrap_err().parameter(), Some("mode"));
}

proptest! {
    /// The store's own JSON of a filter is read back as the same filter: the command line sends it.
    #[test]
    fn the_stores_own_form_is_read(filter in any_filter()) {
        let value = serde_json::to_value(&filter).unwrap();
        prop_assert_eq!(read_filter("f", value).unwrap(), filter);
    }
}

fn any_filter() -> impl Strategy<Value = Filter> {
    use Comparison::{Eq, Gt, Gte, Lt, Lte, Ne};
    let one = (prop::sample::select(vec![Eq, Ne, Gt, Gte, Lt, Lte]), ".*", any::<i64>())
        .prop_map(|(comparison, key, value)| compare(comparison, &key, json!(value)));
    let list = (prop::sample::select(vec![Comparison::In, Comparison::Nin]), ".*", any::<Vec<bool>>())
        .prop_map(|(comparison, key, value)| compare(comparison, &key, json!(value)));
    prop_oneof![one, list].prop_recursive(3, 12, 4, |inner| {
        (prop::sample::select(vec![Compound::And, Compound::Or]), prop::collection::vec(inner, 0..4))
            .prop_map(|(operator, filters)| Filter::Compound { operator, filters })
    })
}
