//! Fields that nobody here reads, written beside those that are.
//!
//! A reader takes its own dialect's words. Another dialect's word for the same thing, such as `messages` in a
//! request of the Responses, is unknown to it and travels on. Were it written as it came, it would put a
//! conversation, a limit or a number of answers that nobody checked in the place of the one that was. So the names that a
//! writer writes itself are never taken from there.

use serde_json::{Map, Value};
use yizhan_domain::Fields;

/// Puts fields beside what is written, but for the names that are the writer's `own`.
pub(crate) fn put_beside(written: &mut Map<String, Value>, fields: &Fields, own: &[&str]) {
    let others = fields.iter().filter(|(key, _)| !own.contains(&key.as_str()));
    written.extend(others.map(|(key, value)| (key.clone(), value.clone())));
}

/// [`put_beside`] for an object that was just written.
pub(crate) fn with_beside(mut written: Value, fields: &Fields, own: &[&str]) -> Value {
    if let Value::Object(object) = &mut written {
        put_beside(object, fields, own);
    }
    written
}
