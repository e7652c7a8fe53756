//! `/v1/files`, and the shapes of lists and deletions that all of OpenAI's resources share.

use serde::Serialize;
use serde_json::{Value, json};

/// A kept file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileObject<'a> {
    /// `file-…`.
    pub id: &'a str,
    object: &'static str,
    /// How many bytes.
    pub bytes: u64,
    /// Seconds since 1970.
    pub created_at: i64,
    expires_at: Option<i64>,
    /// Name as shown to people.
    pub filename: &'a str,
    /// What the uploader said it is for.
    pub purpose: &'a str,
    status: &'static str,
    status_details: Option<&'static str>,
}

impl<'a> FileObject<'a> {
    /// A file that is kept completely; there are no others.
    pub fn new(id: &'a str, filename: &'a str, bytes: u64, purpose: &'a str, created_at: i64) -> Self {
        let (object, status) = ("file", "processed");
        Self { id, object, bytes, created_at, expires_at: None, filename, purpose, status, status_details: None }
    }
}

/// One page of a list; every item has an `id`.
pub fn list(items: Vec<Value>, has_more: bool) -> Value {
    let id = |item: Option<&Value>| item.and_then(|item| item.get("id")).cloned().unwrap_or(Value::Null);
    let (first, last) = (id(items.first()), id(items.last()));
    json!({"object": "list", "data": items, "first_id": first, "last_id": last, "has_more": has_more})
}

/// The reply to a deletion. `object` is what OpenAI calls a deleted one, e.g. `vector_store.deleted`.
pub fn deleted(id: &str, object: &str) -> Value {
    json!({"id": id, "object": object, "deleted": true})
}
