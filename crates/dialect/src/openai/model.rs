//! `/v1/models`.

use serde::Serialize;

/// A model as `/v1/models` lists it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelObject<'a> {
    /// What callers put into `model`.
    pub id: &'a str,
    object: &'static str,
    /// Seconds since 1970.
    pub created: i64,
    /// Who made it.
    pub owned_by: &'a str,
    /// Our own: `chat`, `embedding`, `base` or `app`.
    pub kind: &'a str,
}

impl<'a> ModelObject<'a> {
    /// A model.
    pub fn new(id: &'a str, created: i64, owned_by: &'a str, kind: &'a str) -> Self {
        Self { id, object: "model", created, owned_by, kind }
    }
}
