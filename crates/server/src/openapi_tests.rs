use super::describe;
use crate::routes::table;
use serde_json::Value;
use std::collections::HashSet;

#[test]
fn every_route_is_described_once() {
    let description = describe();
    let mut ids = HashSet::new();
    for route in table() {
        let operation = &description["paths"][route.path][route.method];
        assert_eq!(operation["summary"], route.summary, "{} {}", route.method, route.path);
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()));
        let names = operation["parameters"].as_array().unwrap().iter().filter(|one| one["in"] == "path").count();
        assert_eq!(names, route.path.matches('{').count());
    }
    let described: usize =
        description["paths"].as_object().unwrap().values().map(|ops| ops.as_object().unwrap().len()).sum();
    assert_eq!(described, table().len());
}

#[test]
fn every_schema_that_is_named_exists_and_every_one_is_named() {
    let description = describe();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let mut named = HashSet::new();
    references(&description, &mut named);
    for name in &named {
        assert!(schemas.contains_key(name), "{name} is missing");
    }
    for name in schemas.keys() {
        assert!(named.contains(name), "{name} is not used");
    }
}

fn references(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str) {
                found.insert(name.trim_start_matches("#/components/schemas/").to_owned());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
