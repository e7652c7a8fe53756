//! Conditions on documents, in the shape of OpenAI's attribute filters.
//!
//! It does not know how a store evaluates them quickly; [`Filter::matches`] is the meaning.

use crate::Document;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal, or absent.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// One of a list.
    In,
    /// None of a list.
    Nin,
}

/// A condition on a document's attributes. The keys `file_id` and `filename` mean the file's id
/// and name; every other key is an attribute that was given when the document was added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Filter {
    /// Several conditions.
    Compound {
        /// `and` or `or`.
        #[serde(rename = "type")]
        operator: Compound,
        /// The conditions. `and` of none is true, `or` of none is false.
        filters: Vec<Filter>,
    },
    /// One comparison.
    Compare {
        /// Which comparison.
        #[serde(rename = "type")]
        comparison: Comparison,
        /// Which attribute.
        key: String,
        /// With what; a list for `in` and `nin`.
        value: Value,
    },
}

/// How conditions are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compound {
    /// All hold.
    And,
    /// One holds.
    Or,
}

impl Filter {
    /// Does the document meet the condition? Values of different kinds are never equal or ordered.
    pub fn matches(&self, document: &Document) -> bool {
        match self {
            Filter::Compound { operator: Compound::And, filters } => filters.iter().all(|f| f.matches(document)),
            Filter::Compound { operator: Compound::Or, filters } => filters.iter().any(|f| f.matches(document)),
            Filter::Compare { comparison, key, value } => {
                let actual = match key.as_str() {
                    "file_id" => Some(Value::from(document.file.as_str())),
                    "filename" => Some(Value::from(document.name.as_str())),
                    other => document.attributes.get(other).cloned(),
                };
                compare(*comparison, actual.as_ref(), value)
            }
        }
    }
}

fn compare(comparison: Comparison, actual: Option<&Value>, wanted: &Value) -> bool {
    use std::cmp::Ordering::{Greater, Less};
    let ordering = actual.and_then(|actual| match (actual, wanted) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    });
    let listed = || wanted.as_array().is_some_and(|list| list.iter().any(|one| equal(actual, one)));
    match comparison {
        Comparison::Eq => equal(actual, wanted),
        Comparison::Ne => !equal(actual, wanted),
        Comparison::Gt => ordering == Some(Greater),
        Comparison::Gte => ordering.is_some_and(|o| o != Less),
        Comparison::Lt => ordering == Some(Less),
        Comparison::Lte => ordering.is_some_and(|o| o != Greater),
        Comparison::In => listed(),
        Comparison::Nin => !listed(),
    }
}

fn equal(actual: Option<&Value>, wanted: &Value) -> bool {
    match (actual, wanted) {
        // An attribute that is a list (such as `tags`) equals each of its members.
        (Some(Value::Array(list)), wanted) if !wanted.is_array() => list.iter().any(|one| same(one, wanted)),
        (Some(actual), wanted) => same(actual, wanted),
        (None, _) => false,
    }
}

/// Numbers are the same by value: `1` is `1.0`.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => one == other,
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
