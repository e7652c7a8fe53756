//! Attributes in the database, and conditions on them.
//!
//! [`Filter::matches`] is the meaning; this evaluates it by index, where that can be done. It does
//! not know transactions: it works inside the caller's.

use crate::fault::Fault;
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params};
use serde_json::{Map, Value};
use yizhan_domain::{BaseId, DocumentId};
use yizhan_store::{Filter, Page};

/// Puts these in the place of what the document had.
pub(crate) fn replace(db: &Connection, base: i64, document: u64, attributes: &Map<String, Value>) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM attribute WHERE document = ?")?.execute([document])?;
    let sql = "INSERT OR IGNORE INTO attribute (base, key, value, document) VALUES (?, ?, ?, ?)";
    let mut statement = db.prepare_cached(sql)?;
    for (key, value) in attributes {
        for one in members(value) {
            statement.execute(params![base, key, stored(one), document])?;
        }
    }
    Ok(())
}

/// A list's members, or the value itself.
fn members(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        one => std::slice::from_ref(one),
    }
}

fn stored(value: &Value) -> Stored {
    match value {
        Value::String(text) => Stored::Text(text.clone()),
        Value::Number(number) => Stored::Real(number.as_f64().unwrap_or(f64::NAN)),
        other => Stored::Blob(other.to_string().into_bytes()),
    }
}

pub(crate) fn matching(db: &Connection, base: &BaseId, filter: &Filter) -> Result<Vec<DocumentId>, Fault> {
    let all = crate::document::list(db, base, &Page { after: None, limit: usize::MAX })?;
    Ok(all.into_iter().filter(|document| filter.matches(document)).map(|document| document.id).collect())
}
