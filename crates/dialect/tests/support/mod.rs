//! JSON of all kinds, and documents with one part replaced.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

/// Any JSON, in which these words and these names of fields are frequent.
pub(crate) fn any_json(words: &'static [&'static str], names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // Eighths: serde_json does not promise the last bit of any other.
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(words).prop_map(Value::from),
    ];
    let keys = prop_oneof![".{0,6}", prop::sample::select(names).prop_map(str::to_owned)];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(keys.clone(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The document with its `at`-th node, counted from the root, replaced.
pub(crate) fn replaced(document: &str, at: usize, with: Value) -> Value {
    fn replace(value: &mut Value, left: &mut usize, with: &Value) -> bool {
        if *left == 0 {
            *value = with.clone();
            return true;
        }
        *left -= 1;
        match value {
            Value::Array(items) => items.iter_mut().any(|item| replace(item, left, with)),
            Value::Object(map) => map.values_mut().any(|item| replace(item, left, with)),
            _ => false,
        }
    }
    let mut value = serde_json::from_str(document).unwrap_or_default();
    let mut left = at;
    replace(&mut value, &mut left, &with);
    value
}
