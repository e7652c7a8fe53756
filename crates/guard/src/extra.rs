//! Texts inside fields that nobody else reads: they may repeat the answer and must not carry it past the rules.
//!
//! It does not know rules.

use serde_json::Value;
use yizhan_domain::Fields;

/// The field that repeats an answer token by token.
pub(crate) const LOGPROBS: &str = "logprobs";

/// Fields whose text comes in pieces that the reader joins. Other texts come whole, and are looked at so.
const STREAMED: [&str; 4] = ["refusal", "audio.transcript", "reasoning", "reasoning_content"];

/// Does the text at this path come in pieces?
pub(crate) fn is_streamed(path: &str) -> bool {
    STREAMED.contains(&path)
}

/// Calls `each` with every text, and its path with dots, `reasoning_details.0.text`.
pub(crate) fn each_text<E>(
    fields: &mut Fields,
    path: &mut String,
    each: &mut impl FnMut(&str, &mut String) -> Result<(), E>,
) -> Result<(), E> {
    for (name, value) in fields.iter_mut() {
        below(path, name, |path| value_texts(value, path, each))?;
    }
    Ok(())
}

fn value_texts<E>(
    value: &mut Value,
    path: &mut String,
    each: &mut impl FnMut(&str, &mut String) -> Result<(), E>,
) -> Result<(), E> {
    match value {
        Value::String(text) => each(path, text),
        Value::Object(fields) => each_text(fields, path, each),
        Value::Array(values) => {
            for (index, value) in values.iter_mut().enumerate() {
                below(path, &index.to_string(), |path| value_texts(value, path, each))?;
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn below<T>(path: &mut String, name: &str, inside: impl FnOnce(&mut String) -> T) -> T {
    let length = path.len();
    if length > 0 {
        path.push('.');
    }
    path.push_str(name);
    let result = inside(path);
    path.truncate(length);
    result
}

/// Fields with one text at a path of [`STREAMED`].
pub(crate) fn at_path(path: &str, text: String) -> Fields {
    let mut value = Value::String(text);
    let mut fields = Fields::new();
    let mut names = path.rsplit('.').peekable();
    while let Some(name) = names.next() {
        fields = Fields::from_iter([(name.to_owned(), value)]);
        value = Value::Null;
        if names.peek().is_some() {
            value = Value::Object(std::mem::take(&mut fields));
        }
    }
    fields
}
