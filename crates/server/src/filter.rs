//! Conditions on documents, from JSON, with errors that name the path; and search modes by name.

use crate::backend::SearchMode;
use serde_json::{Map, Value};
use yizhan_domain::{Error, Result};
use yizhan_store::{Comparison, Compound, Filter};

/// A condition in OpenAI's shape, `{"type":"eq","key":…,"value":…}` or
/// `{"type":"and","filters":[…]}`. Nesting is bounded by that of the JSON body.
pub(crate) fn read_filter(path: &str, value: Value) -> Result<Filter> {
    let Value::Object(mut object) = value else {
        return Err(Error::invalid(path, format!("'{path}' must be an object with 'type'.")));
    };
    let kind = text(path, &mut object, "type")?;
    if let Some(operator) = compound(&kind) {
        let Some(Value::Array(filters)) = object.remove("filters") else {
            return Err(Error::invalid(format!("{path}.filters"), format!("'{path}.filters' must be a list.")));
        };
        let read = |(index, filter)| read_filter(&format!("{path}.filters[{index}]"), filter);
        let filters = filters.into_iter().enumerate().map(read).collect::<Result<_>>()?;
        return Ok(Filter::Compound { operator, filters });
    }
    let Some(comparison) = comparison(&kind) else {
        let kinds = "eq, ne, gt, gte, lt, lte, in, nin, and, or";
        return Err(Error::invalid(format!("{path}.type"), format!("'{path}.type' must be one of {kinds}.")));
    };
    let key = text(path, &mut object, "key")?;
    let value = object.remove("value").unwrap_or(Value::Null);
    let wants_list = matches!(comparison, Comparison::In | Comparison::Nin);
    if value.is_null() || value.is_object() || value.is_array() != wants_list {
        let wanted = if wants_list { "a list" } else { "a string, a number or a boolean" };
        return Err(Error::invalid(format!("{path}.value"), format!("'{path}.value' must be {wanted}.")));
    }
    Ok(Filter::Compare { comparison, key, value })
}

fn text(path: &str, object: &mut Map<String, Value>, key: &str) -> Result<String> {
    match object.remove(key) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Error::invalid(format!("{path}.{key}"), format!("'{path}.{key}' must be a string."))),
    }
}

fn compound(word: &str) -> Option<Compound> {
    match word {
        "and" => Some(Compound::And),
        "or" => Some(Compound::Or),
        _ => None,
    }
}

fn comparison(word: &str) -> Option<Comparison> {
    match word {
        "eq" => Some(Comparison::Eq),
        "ne" => Some(Comparison::Ne),
        "gt" => Some(Comparison::Gt),
        "gte" => Some(Comparison::Gte),
        "lt" => Some(Comparison::Lt),
        "lte" => Some(Comparison::Lte),
        "in" => Some(Comparison::In),
        "nin" => Some(Comparison::Nin),
        _ => None,
    }
}

/// A search mode by its name.
pub(crate) fn read_mode(path: &str, word: &str) -> Result<SearchMode> {
    match word {
        "hybrid" => Ok(SearchMode::Hybrid),
        "bm25" => Ok(SearchMode::Bm25),
        "dense" => Ok(SearchMode::Dense),
        other => {
            let message = format!("'{path}' must be 'hybrid', 'bm25' or 'dense', not '{other}'.");
            Err(Error::invalid(path, message))
        }
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
