//! `/v1/moderations`.
//!
//! It does not know any rule: the caller says which categories an input falls into.

use crate::object::{Object, short, wrong_kind};
use serde_json::{Map, Value, json};
use yizhan_domain::{Error, Result};

/// Most inputs of one request.
const MAX_INPUTS: usize = 2048;

/// Categories that OpenAI's clients expect in every result.
const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// A request of `/v1/moderations`.
#[derive(Clone, Debug, PartialEq)]
pub struct ModerationRequest {
    /// The model's name, if the caller wants a certain one.
    pub model: Option<String>,
    /// What is judged; each has a result of its own.
    pub inputs: Vec<ModerationInput>,
}

/// One thing to judge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModerationInput {
    /// Its text; several parts are joined by a line break.
    pub text: String,
    /// Addresses or `data:` URLs of its images.
    pub images: Vec<String>,
}

/// What was found out about one input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModerationResult {
    /// Categories that were looked at; OpenAI's names where they fit, others beside them.
    pub categories: Vec<CategoryScore>,
}

/// How much an input falls into a category.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryScore {
    /// Its name.
    pub category: String,
    /// 0 (not at all) to 1.
    pub score: f32,
    /// Does it?
    pub flagged: bool,
    /// Was the text looked at for it?
    pub text: bool,
    /// Were the images?
    pub image: bool,
}

impl ModerationRequest {
    /// Reads a request. Errors name the path of the field.
    pub fn read(body: Value) -> Result<Self> {
        let mut object = Object::body(body)?;
        let model = if object.has("model") { Some(object.model()?) } else { None };
        Ok(Self { model, inputs: read_inputs(&mut object)? })
    }
}

/// A text, a list of texts, or a list of parts, which are one input together.
fn read_inputs(object: &mut Object) -> Result<Vec<ModerationInput>> {
    let values = match object.take("input") {
        None => return Err(object.missing("input")),
        Some(Value::String(text)) => return Ok(vec![ModerationInput { text, images: Vec::new() }]),
        Some(Value::Array(values)) => values,
        Some(other) => return Err(wrong_kind("input".to_owned(), "a string or a list", &other)),
    };
    if values.is_empty() || values.len() > MAX_INPUTS {
        let message = format!("'input' has {} entries; send 1 to {MAX_INPUTS}.", values.len());
        return Err(Error::invalid("input", message));
    }
    if values.iter().any(Value::is_object) {
        return read_parts(values).map(|input| vec![input]);
    }
    let read = |(index, value)| match value {
        Value::String(text) => Ok(ModerationInput { text, images: Vec::new() }),
        other => Err(wrong_kind(format!("input[{index}]"), "a string", &other)),
    };
    values.into_iter().enumerate().map(read).collect()
}

fn read_parts(values: Vec<Value>) -> Result<ModerationInput> {
    let mut texts = Vec::new();
    let mut images = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let mut part = Object::at(format!("input[{index}]"), value)?;
        match part.required_string("type")?.as_str() {
            "text" => texts.push(part.required_string("text")?),
            "image_url" => {
                let mut image = part.object("image_url")?.ok_or_else(|| part.missing("image_url"))?;
                images.push(image.required_string("url")?);
            }
            other => {
                let path = part.path_of("type");
                return Err(Error::invalid(
                    path.clone(),
                    format!("'{path}' must be 'text' or 'image_url', not '{other}'."),
                ));
            }
        }
    }
    Ok(ModerationInput { text: texts.join("\n"), images })
}

/// The reply: a result for each input, in order. Categories of OpenAI's that nobody looked at are false, with a
/// score of 0 and no input types.
pub fn moderation_reply(id: &str, model: &str, results: &[ModerationResult]) -> Value {
    let results: Vec<Value> = results.iter().map(write_result).collect();
    json!({"id": id, "model": model, "results": results})
}

fn write_result(result: &ModerationResult) -> Value {
    let all = |value: Value| Map::from_iter(CATEGORIES.iter().map(|name| ((*name).to_owned(), value.clone())));
    let (mut flags, mut scores, mut types) = (all(json!(false)), all(json!(0.0)), all(json!([])));
    for CategoryScore { category, score, flagged, text, image } in &result.categories {
        let kinds = [("text", *text), ("image", *image)];
        let kinds: Vec<&str> = kinds.iter().filter(|(_, seen)| *seen).map(|(kind, _)| *kind).collect();
        flags.insert(category.clone(), json!(flagged));
        scores.insert(category.clone(), short(*score));
        types.insert(category.clone(), json!(kinds));
    }
    json!({
        "flagged": result.categories.iter().any(|category| category.flagged),
        "categories": flags,
        "category_scores": scores,
        "category_applied_input_types": types,
    })
}

#[cfg(test)]
#[path = "moderation_tests.rs"]
mod tests;
