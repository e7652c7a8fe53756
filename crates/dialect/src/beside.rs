//! Fields that nobody here reads, written beside those that are.
//!
//! A reader takes its own dialect's words. Another dialect's word for the same thing, such as `messages` in a
//! request of the Responses, is unknown to it and travels on. Were it written as it came, it would put a
//! conversation, a limit or a number of answers that nobody checked in the place of the one that was. So the names that a
//! writer writes itself are never taken from there.

use serde::ser::SerializeMap;
use serde_json::{Map, Value};
use yizhan_domain::Fields;

/// The fields whose names are not the writer's `own`.
fn others<'a>(fields: &'a Fields, own: &[&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
    fields.iter().filter(|(key, _)| !own.contains(&key.as_str()))
}

/// Puts fields beside what is written, but for the names that are the writer's `own`.
pub(crate) fn put_beside(written: &mut Map<String, Value>, fields: &Fields, own: &[&str]) {
    written.extend(others(fields, own).map(|(key, value)| (key.clone(), value.clone())));
}

/// The same while an object is being written.
pub(crate) fn write_beside<M: SerializeMap>(object: &mut M, fields: &Fields, own: &[&str]) -> Result<(), M::Error> {
    others(fields, own).try_for_each(|(key, value)| object.serialize_entry(key, value))
}

/// [`put_beside`] for an object that was just written.
pub(crate) fn with_beside(mut written: Value, fields: &Fields, own: &[&str]) -> Value {
    if let Value::Object(object) = &mut written {
        put_beside(object, fields, own);
    }
    written
}
