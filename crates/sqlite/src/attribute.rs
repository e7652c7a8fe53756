//! Attributes in the database, and conditions on them.
//!
//! [`Filter::matches`] is the meaning. Where every comparison can be answered by an index, a condition
//! is a few operations on ascending lists of numbers; where one cannot (it compares with a list or an
//! object), each document is looked at. It does not know transactions: it works inside the caller's.

use crate::fault::Fault;
use crate::{base, document};
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, ToSql, params};
use serde_json::{Map, Value};
use yizhan_domain::{BaseId, DocumentId};
use yizhan_store::{Comparison, Compound, Filter, Page};

/// Documents that are in memory at a time where no index can answer.
const LOOKED_AT: usize = 1000;

/// Numbers of documents, ascending.
type Numbers = Vec<u64>;

/// Puts these in the place of what the document had.
pub(crate) fn replace(db: &Connection, base: i64, document: u64, attributes: &Map<String, Value>) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM attribute WHERE document = ?")?.execute([document])?;
    let sql = "INSERT OR IGNORE INTO attribute (base, key, value, document, listed) VALUES (?, ?, ?, ?, ?)";
    let mut statement = db.prepare_cached(sql)?;
    for (key, value) in attributes {
        let listed = value.is_array();
        let members = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for member in members.iter().filter_map(stored) {
            statement.execute(params![base, key, member, document, listed])?;
        }
    }
    Ok(())
}

/// A scalar as it stands in the table, so that SQLite's equality and order there are those of
/// `Filter::matches`. None for lists and objects.
fn stored(value: &Value) -> Option<Stored> {
    match value {
        Value::Number(number) => number.as_f64().map(Stored::Real),
        Value::String(text) => Some(Stored::Text(text.clone())),
        Value::Null | Value::Bool(_) => Some(Stored::Blob(value.to_string().into_bytes())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Numbers of the base's documents that meet the condition, ascending.
pub(crate) fn matching(db: &Connection, id: &BaseId, filter: &Filter) -> Result<Vec<DocumentId>, Fault> {
    let Some(number) = base::number(db, id)? else { return Ok(Vec::new()) };
    if is_indexed(filter) {
        let base = Scope { db, number };
        return Ok(base.matching(filter)?.into_iter().map(DocumentId).collect());
    }
    let (mut matching, mut after) = (Vec::new(), None);
    loop {
        // In parts, as a hundred thousand documents with their attributes are a lot of memory.
        let part = document::list(db, id, &Page { after, limit: LOOKED_AT })?;
        let Some(last) = part.last() else { return Ok(matching) };
        after = Some(last.id.to_string());
        matching.extend(part.iter().filter(|document| filter.matches(document)).map(|document| document.id));
    }
}

/// Is every comparison one with scalars?
fn is_indexed(filter: &Filter) -> bool {
    match filter {
        Filter::Compound { filters, .. } => filters.iter().all(is_indexed),
        Filter::Compare { comparison: Comparison::In | Comparison::Nin, value, .. } => {
            // What is no list has no members, so that nothing is one of them.
            value.as_array().is_none_or(|list| list.iter().all(|one| stored(one).is_some()))
        }
        Filter::Compare { value, .. } => stored(value).is_some(),
    }
}

/// One base's documents.
struct Scope<'a> {
    db: &'a Connection,
    number: i64,
}

impl Scope<'_> {
    fn matching(&self, filter: &Filter) -> Result<Numbers, Fault> {
        match filter {
            Filter::Compound { operator: Compound::Or, filters } => {
                self.any(filters.iter().map(|one| self.matching(one)))
            }
            Filter::Compound { operator: Compound::And, filters } => {
                let Some((first, rest)) = filters.split_first() else { return self.all() };
                rest.iter().try_fold(self.matching(first)?, |found, filter| {
                    // Nothing is left that the other conditions could exclude.
                    if found.is_empty() { Ok(found) } else { Ok(common(found, &self.matching(filter)?)) }
                })
            }
            Filter::Compare { comparison, key, value } => self.compare(*comparison, key, value),
        }
    }

    fn compare(&self, comparison: Comparison, key: &str, value: &Value) -> Result<Numbers, Fault> {
        let members = value.as_array().map_or(&[][..], Vec::as_slice);
        match comparison {
            Comparison::Eq => self.equal(key, value),
            Comparison::Ne => Ok(without(self.all()?, &self.equal(key, value)?)),
            Comparison::In => self.any(members.iter().map(|one| self.equal(key, one))),
            Comparison::Nin => {
                let listed = self.any(members.iter().map(|one| self.equal(key, one)))?;
                Ok(without(self.all()?, &listed))
            }
            Comparison::Gt => self.ordered(key, ">", value),
            Comparison::Gte => self.ordered(key, ">=", value),
            Comparison::Lt => self.ordered(key, "<", value),
            Comparison::Lte => self.ordered(key, "<=", value),
        }
    }

    fn equal(&self, key: &str, value: &Value) -> Result<Numbers, Fault> {
        self.compared(key, "=", value)
    }

    /// Only numbers and strings have an order, each among themselves, and lists have none.
    fn ordered(&self, key: &str, operator: &str, value: &Value) -> Result<Numbers, Fault> {
        if value.is_number() || value.is_string() { self.compared(key, operator, value) } else { Ok(Vec::new()) }
    }

    fn compared(&self, key: &str, operator: &str, value: &Value) -> Result<Numbers, Fault> {
        let Some(value) = stored(value) else { return Ok(Vec::new()) };
        let is_text = matches!(value, Stored::Text(_));
        match key {
            "file_id" | "filename" if !is_text => Ok(Vec::new()),
            "file_id" => {
                let join = "SELECT d.id FROM document d JOIN file f ON f.number = d.file WHERE d.base = ?";
                self.numbers(&format!("{join} AND f.id {operator} ?"), params![self.number, value])
            }
            "filename" => {
                let sql = format!("SELECT id FROM document WHERE base = ? AND name {operator} ?");
                self.numbers(&sql, params![self.number, value])
            }
            _ => {
                let alike = match operator {
                    "=" => "",
                    // In SQLite's order all numbers are less than all texts, and these than all blobs.
                    _ if is_text => " AND listed = 0 AND typeof(value) = 'text'",
                    _ => " AND listed = 0 AND typeof(value) = 'real'",
                };
                let sql =
                    format!("SELECT document FROM attribute WHERE base = ? AND key = ? AND value {operator} ?{alike}");
                self.numbers(&sql, params![self.number, key, value])
            }
        }
    }

    fn all(&self) -> Result<Numbers, Fault> {
        self.numbers("SELECT id FROM document WHERE base = ?", params![self.number])
    }

    fn any(&self, parts: impl Iterator<Item = Result<Numbers, Fault>>) -> Result<Numbers, Fault> {
        let mut found = Vec::new();
        for part in parts {
            found.extend(part?);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    fn numbers(&self, sql: &str, values: &[&dyn ToSql]) -> Result<Numbers, Fault> {
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map(values, |row| row.get(0))?;
        let mut numbers = rows.collect::<rusqlite::Result<Numbers>>()?;
        numbers.sort_unstable();
        Ok(numbers)
    }
}

fn common(mut numbers: Numbers, other: &[u64]) -> Numbers {
    numbers.retain(|number| other.binary_search(number).is_ok());
    numbers
}

fn without(mut numbers: Numbers, other: &[u64]) -> Numbers {
    numbers.retain(|number| other.binary_search(number).is_err());
    numbers
}
