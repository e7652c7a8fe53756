//! The fields of a JSON object, taken one by one, so that what is left over can be refused.
//!
//! It does not know what they mean.

use serde_json::{Map, Value};
use yizhan_domain::{Error, Result};

/// What has not been taken yet.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// `InvalidRequest` when the body is no object.
    pub(super) fn of(body: Value) -> Result<Self> {
        match body {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Error::invalid("body", "The body must be a JSON object.")),
        }
    }

    /// The field as it is; none when it is not there. Null is a value here: it takes something away.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// A text; none when it is not there or null.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a string")),
        }
    }

    /// True or false; none when it is not there or null.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// Texts; none when the field is not there, an empty list when it is null.
    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>> {
        let items = match self.take(name) {
            None => return Ok(None),
            Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong(name, "a list of strings")),
        };
        let text = |item| match item {
            Value::String(text) => Ok(text),
            _ => Err(wrong(name, "a list of strings")),
        };
        items.into_iter().map(text).collect::<Result<_>>().map(Some)
    }

    /// A time in milliseconds; the outer none when the field is not there, the inner one when it is null.
    pub(super) fn millis(&mut self, name: &str) -> Result<Option<Option<i64>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => match value.as_i64() {
                Some(time) => Ok(Some(Some(time))),
                None => Err(wrong(name, "a whole number of milliseconds since 1970")),
            },
        }
    }

    /// `InvalidRequest` when a field is left that nobody asked for: a misspelt limit must not be no limit.
    pub(super) fn end(self) -> Result<()> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                let shown: String = name.chars().take(60).collect();
                Err(Error::invalid(
                    shown.as_str(),
                    format!("There is no field '{shown}' here; GET /openapi.json lists them."),
                ))
            }
        }
    }
}

fn wrong(name: &str, what: &str) -> Error {
    Error::invalid(name, format!("'{name}' must be {what}."))
}
