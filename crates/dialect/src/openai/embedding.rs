//! `/v1/embeddings`.
//!
//! It does not know models: whether the dimensions fit is for the caller to check.

use crate::base64::encode_floats;
use crate::object::{Object, wrong_kind};
use serde::Serialize;
use serde_json::Value;
use yizhan_domain::{Error, Result};

/// Most texts of one request, as OpenAI's.
const MAX_INPUTS: usize = 2048;

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmbeddingEncoding {
    /// A list of numbers.
    #[default]
    Float,
    /// Little-endian 32-bit floats in base64.
    Base64,
}

/// Our own field `input_type`: which side of a search the texts are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputType {
    /// Exactly these texts.
    #[default]
    Plain,
    /// Questions.
    Query,
    /// Texts to be found.
    Passage,
}

/// A request of `/v1/embeddings`.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingRequest {
    /// The model's name.
    pub model: String,
    /// The texts, none empty.
    pub inputs: Vec<String>,
    /// How vectors are written.
    pub encoding: EmbeddingEncoding,
    /// Length that the vectors must have.
    pub dimensions: Option<usize>,
    /// Which side of a search the texts are on.
    pub input_type: InputType,
}

impl EmbeddingRequest {
    /// Reads a request. Errors name the path of the field.
    pub fn read(body: Value) -> Result<Self> {
        let mut object = Object::body(body)?;
        Ok(Self {
            model: object.model()?,
            inputs: read_inputs(&mut object)?,
            encoding: read_encoding(&mut object)?,
            dimensions: object.integer("dimensions", 1..=65_536)?.and_then(|length| usize::try_from(length).ok()),
            input_type: read_input_type(&mut object)?,
        })
    }
}

fn read_inputs(object: &mut Object) -> Result<Vec<String>> {
    let values = match object.take("input") {
        None => return Err(object.missing("input")),
        Some(Value::String(text)) => return non_empty("input".to_owned(), text).map(|text| vec![text]),
        Some(Value::Array(values)) => values,
        Some(other) => return Err(wrong_kind("input".to_owned(), "a string or a list of strings", &other)),
    };
    if values.is_empty() || values.len() > MAX_INPUTS {
        let message = format!("'input' has {} texts; send 1 to {MAX_INPUTS}.", values.len());
        return Err(Error::invalid("input", message));
    }
    let read = |(index, value): (usize, Value)| match value {
        Value::String(text) => non_empty(format!("input[{index}]"), text),
        Value::Number(_) | Value::Array(_) => Err(Error::invalid(
            format!("input[{index}]"),
            "'input' holds token numbers; this server takes text. \
             (In LangChain, set check_embedding_ctx_length=False.)",
        )),
        other => Err(wrong_kind(format!("input[{index}]"), "a string", &other)),
    };
    values.into_iter().enumerate().map(read).collect()
}

fn non_empty(path: String, text: String) -> Result<String> {
    if text.is_empty() {
        return Err(Error::invalid(path.clone(), format!("'{path}' is an empty string; there is nothing to embed.")));
    }
    Ok(text)
}

fn read_encoding(object: &mut Object) -> Result<EmbeddingEncoding> {
    match object.string("encoding_format")?.as_deref() {
        None | Some("float") => Ok(EmbeddingEncoding::Float),
        Some("base64") => Ok(EmbeddingEncoding::Base64),
        Some(other) => {
            let message = format!("'encoding_format' must be 'float' or 'base64', not '{other}'.");
            Err(Error::invalid("encoding_format", message))
        }
    }
}

fn read_input_type(object: &mut Object) -> Result<InputType> {
    match object.string("input_type")?.as_deref() {
        None | Some("plain") => Ok(InputType::Plain),
        Some("query") => Ok(InputType::Query),
        Some("passage") => Ok(InputType::Passage),
        Some(other) => {
            let message = format!("'input_type' must be 'plain', 'query' or 'passage', not '{other}'.");
            Err(Error::invalid("input_type", message))
        }
    }
}

#[derive(Serialize)]
struct Reply<'a> {
    object: &'static str,
    data: Vec<Row<'a>>,
    model: &'a str,
    usage: Tokens,
}

#[derive(Serialize)]
struct Row<'a> {
    object: &'static str,
    index: usize,
    embedding: Vector<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector<'a> {
    Numbers(&'a [f32]),
    Text(String),
}

#[derive(Serialize)]
struct Tokens {
    prompt_tokens: u32,
    total_tokens: u32,
}

/// The reply as JSON text: one vector per text, in order. Written directly, as a JSON value would
/// hold every number in eight bytes and print it with nine digits too many.
pub fn embedding_reply<'a>(
    model: &str,
    rows: impl Iterator<Item = &'a [f32]>,
    encoding: EmbeddingEncoding,
    tokens: u32,
) -> String {
    let row = |(index, row): (usize, &'a [f32])| {
        let embedding = match encoding {
            EmbeddingEncoding::Float => Vector::Numbers(row),
            EmbeddingEncoding::Base64 => Vector::Text(encode_floats(row)),
        };
        Row { object: "embedding", index, embedding }
    };
    let usage = Tokens { prompt_tokens: tokens, total_tokens: tokens };
    let reply = Reply { object: "list", data: rows.enumerate().map(row).collect(), model, usage };
    // Strings and numbers only: this cannot fail.
    serde_json::to_string(&reply).unwrap_or_default()
}

#[cfg(test)]
#[path = "embedding_tests.rs"]
mod tests;
