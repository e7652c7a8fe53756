//! Reading JSON field by field, with errors that name the path.
//!
//! It does not know any particular request.

use serde_json::{Map, Value};
use std::ops::RangeInclusive;
use yizhan_domain::{Error, ErrorCode, Rect, Result};

/// Longest name of a model, in bytes. It is kept with every call, also with those that are refused.
const MOST_MODEL: usize = 512;

/// JSON from a request's body. The error says at which line and column it is malformed.
pub fn parse_json(body: &[u8]) -> Result<Value> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        invalid_body(format!("The body is not valid UTF-8: the first wrong byte is at offset {at}."))
    })?;
    if text.trim_start().is_empty() {
        return Err(invalid_body("The body is empty; send a JSON object."));
    }
    serde_json::from_str(text).map_err(|error| invalid_body(format!("The body is not valid JSON: {error}.")))
}

fn invalid_body(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidRequest, message)
}

/// A JSON object whose fields are taken out one by one; what is left over at the end is unknown.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    path: String,
    fields: Map<String, Value>,
}

impl Object {
    /// The body itself.
    pub(crate) fn body(value: Value) -> Result<Self> {
        match value {
            Value::Object(fields) => Ok(Self { path: String::new(), fields }),
            other => Err(invalid_body(format!("The body must be a JSON object, not {}.", kind(&other)))),
        }
    }

    /// An object at `path`.
    pub(crate) fn at(path: String, value: Value) -> Result<Self> {
        match value {
            Value::Object(fields) => Ok(Self { path, fields }),
            other => Err(wrong_kind(path, "an object", &other)),
        }
    }

    /// The path of one of its fields, e.g. `messages[2].content`.
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Takes a field out; `null` is the same as absent.
    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.fields.shift_remove(key).filter(|value| !value.is_null())
    }

    /// Is the field there, and not `null`?
    pub(crate) fn has(&self, key: &str) -> bool {
        self.fields.get(key).is_some_and(|value| !value.is_null())
    }

    /// Takes out a text.
    pub(crate) fn string(&mut self, key: &str) -> Result<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_kind(self.path_of(key), "a string", &other)),
        }
    }

    /// Takes out a text that must be there.
    pub(crate) fn required_string(&mut self, key: &str) -> Result<String> {
        let text = self.string(key)?;
        text.ok_or_else(|| self.missing(key))
    }

    /// Takes out the name of the model that is asked.
    pub(crate) fn model(&mut self) -> Result<String> {
        let model = self.required_string("model")?;
        if model.is_empty() {
            return Err(Error::invalid("model", "'model' is empty; GET /v1/models lists the names."));
        }
        if model.len() > MOST_MODEL {
            let message = format!("'model' is longer than {MOST_MODEL} bytes; GET /v1/models lists the names.");
            return Err(Error::invalid("model", message));
        }
        Ok(model)
    }

    /// The error for a field that must be there.
    pub(crate) fn missing(&self, key: &str) -> Error {
        let path = self.path_of(key);
        Error::invalid(path.clone(), format!("'{path}' is missing."))
    }

    /// Takes out a boolean.
    pub(crate) fn boolean(&mut self, key: &str) -> Result<Option<bool>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(wrong_kind(self.path_of(key), "a boolean", &other)),
        }
    }

    /// Takes out a number within a range.
    pub(crate) fn number(&mut self, key: &str, range: RangeInclusive<f64>) -> Result<Option<f32>> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let path = self.path_of(key);
        let number = value.as_f64().ok_or_else(|| wrong_kind(path.clone(), "a number", &value))?;
        if !range.contains(&number) {
            return Err(out_of_range(path, range.start(), range.end(), number));
        }
        Ok(Some(number as f32))
    }

    /// Takes out a whole number within a range; `3.0` is one.
    pub(crate) fn integer(&mut self, key: &str, range: RangeInclusive<i64>) -> Result<Option<i64>> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let path = self.path_of(key);
        let integer = whole(&value).ok_or_else(|| wrong_kind(path.clone(), "a whole number", &value))?;
        if !range.contains(&integer) {
            return Err(out_of_range(path, range.start(), range.end(), integer));
        }
        Ok(Some(integer))
    }

    /// Takes out a list.
    pub(crate) fn array(&mut self, key: &str) -> Result<Option<Vec<Value>>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(other) => Err(wrong_kind(self.path_of(key), "a list", &other)),
        }
    }

    /// Takes out a list of texts.
    pub(crate) fn strings(&mut self, key: &str) -> Result<Option<Vec<String>>> {
        let path = self.path_of(key);
        let Some(values) = self.array(key)? else { return Ok(None) };
        let texts = values.into_iter().enumerate().map(|(index, value)| match value {
            Value::String(text) => Ok(text),
            other => Err(wrong_kind(format!("{path}[{index}]"), "a string", &other)),
        });
        texts.collect::<Result<Vec<String>>>().map(Some)
    }

    /// Takes out an object.
    pub(crate) fn object(&mut self, key: &str) -> Result<Option<Object>> {
        let path = self.path_of(key);
        self.take(key).map(|value| Object::at(path, value)).transpose()
    }

    /// What nobody has taken.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.fields
    }
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        // Beyond 2^53 a float names no single whole number.
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
    })
}

/// The error for a value of another kind than the field takes.
pub(crate) fn wrong_kind(path: String, wanted: &str, got: &Value) -> Error {
    let message = format!("'{path}' must be {wanted}, not {}.", kind(got));
    Error::invalid(path, message)
}

/// The number with the few digits that tell it from its neighbours: 0.1, not 0.10000000149011612.
pub(crate) fn short(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// Boxes as lists of four numbers.
pub(crate) fn boxes(rects: &[Rect]) -> Value {
    rects.iter().map(|rect| rect.0.into_iter().map(short).collect::<Value>()).collect()
}

fn out_of_range<T: std::fmt::Display>(path: String, low: &T, high: &T, got: T) -> Error {
    let message = format!("'{path}' must be between {low} and {high}, not {got}.");
    Error::invalid(path, message)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
#[path = "object_tests.rs"]
mod tests;
