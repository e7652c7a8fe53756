//! The request of `/v1/chat/completions`.
//!
//! It does not know which models exist or what they can do.

use super::message::read_messages;
use crate::object::{Object, wrong_kind};
use serde_json::{Value, json};
use yizhan_domain::{Error, ModelName, Result};
use yizhan_model::{ChatRequest, Dialect, ResponseFormat, Sampling, ToolChoice};

/// Most stop sequences of one request. OpenAI takes 4.
const MAX_STOPS: usize = 16;

/// Fields that are written from what was read, or left out on purpose.
pub(super) const OWN: &[&str] = &[
    "model",
    "messages",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repeat_penalty",
    "repetition_penalty",
    "seed",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "tools",
    "tool_choice",
    "response_format",
    "n",
    "stream",
    "stream_options",
    "retrieval",
];

/// Our own object `retrieval` in a request: how passages are found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetrievalWish {
    /// `hybrid`, `bm25` or `dense`; not checked here.
    pub mode: Option<String>,
    /// `top_k`: at most so many passages.
    pub limit: Option<usize>,
    /// A filter as in a vector store's search; not checked here.
    pub filter: Option<Value>,
    /// Passages with a lower score are left out.
    pub score_threshold: Option<f32>,
    /// Let the reranker order the passages.
    pub rerank: Option<bool>,
}

/// A request of `/v1/chat/completions`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatCompletionRequest {
    /// What is asked; never empty.
    pub model: String,
    /// The conversation and how to answer it. `max_completion_tokens` wins over `max_tokens`;
    /// vLLM's `repetition_penalty` is read as llama.cpp's `repeat_penalty`.
    pub request: ChatRequest,
    /// Send the usage in a last chunk of the stream.
    pub include_usage: bool,
    /// How passages are found.
    pub retrieval: RetrievalWish,
}

impl ChatCompletionRequest {
    /// Reads a request. Errors name the path of the field.
    pub fn read(body: Value) -> Result<Self> {
        let mut object = Object::body(body)?;
        let model = object.model()?;
        let messages = object.array("messages")?.ok_or_else(|| object.missing("messages"))?;
        let stream_options = object.object("stream_options")?;
        let retrieval = read_retrieval(&mut object)?;
        let request = ChatRequest {
            messages: read_messages(messages)?,
            sampling: read_sampling(&mut object)?,
            tools: read_tools(&mut object)?,
            tool_choice: read_tool_choice(&mut object)?,
            response_format: read_response_format(&mut object)?,
            more_choices: read_count(&mut object, "n", 1, 128)?.map_or(0, |n| n - 1),
            streamed: object.boolean("stream")?.unwrap_or(false),
            extra: object.rest(),
            dialect: Dialect::OpenAi,
        };
        Ok(Self { model, request, include_usage: read_include_usage(stream_options)?, retrieval })
    }

    /// The model's name.
    pub fn model_name(&self) -> ModelName {
        ModelName::new(self.model.as_str())
    }
}

pub(crate) fn read_sampling(object: &mut Object) -> Result<Sampling> {
    Ok(Sampling {
        temperature: object.number("temperature", 0.0..=2.0)?,
        top_p: object.number("top_p", 0.0..=1.0)?,
        top_k: read_count(object, "top_k", 0, i64::from(u32::MAX))?,
        min_p: object.number("min_p", 0.0..=1.0)?,
        frequency_penalty: object.number("frequency_penalty", -2.0..=2.0)?,
        presence_penalty: object.number("presence_penalty", -2.0..=2.0)?,
        repeat_penalty: read_repeat_penalty(object)?,
        seed: object.integer("seed", i64::MIN..=i64::MAX)?.map(i64::cast_unsigned),
        max_tokens: read_max_tokens(object)?,
        stop: read_stop(object)?,
    })
}

fn read_count(object: &mut Object, key: &str, least: i64, most: i64) -> Result<Option<u32>> {
    let count = object.integer(key, least..=most)?;
    Ok(count.and_then(|count| u32::try_from(count).ok()))
}

fn read_max_tokens(object: &mut Object) -> Result<Option<u32>> {
    let newer = read_count(object, "max_completion_tokens", 1, i64::from(u32::MAX))?;
    let older = read_count(object, "max_tokens", 1, i64::from(u32::MAX))?;
    Ok(newer.or(older))
}

fn read_repeat_penalty(object: &mut Object) -> Result<Option<f32>> {
    let ours = object.number("repeat_penalty", 0.0..=10.0)?;
    let theirs = object.number("repetition_penalty", 0.0..=10.0)?;
    Ok(ours.or(theirs))
}

fn read_stop(object: &mut Object) -> Result<Vec<String>> {
    let stops = match object.take("stop") {
        None => Vec::new(),
        Some(Value::String(text)) => vec![Value::String(text)],
        Some(Value::Array(values)) => values,
        Some(other) => return Err(wrong_kind("stop".to_owned(), "a string or a list of strings", &other)),
    };
    if stops.len() > MAX_STOPS {
        return Err(Error::invalid("stop", format!("'stop' has {} texts; at most {MAX_STOPS}.", stops.len())));
    }
    let texts = stops.into_iter().enumerate().map(|(index, stop)| match stop {
        Value::String(text) => Ok(text),
        other => Err(wrong_kind(format!("stop[{index}]"), "a string", &other)),
    });
    // An empty text would stop every answer before it begins.
    Ok(texts.collect::<Result<Vec<String>>>()?.into_iter().filter(|text| !text.is_empty()).collect())
}

/// Function tools must have a name; other kinds are for models that know them.
fn read_tools(object: &mut Object) -> Result<Vec<Value>> {
    let tools = object.array("tools")?.unwrap_or_default();
    for (index, tool) in tools.iter().enumerate() {
        let path = format!("tools[{index}]");
        let Some(kind) = tool.get("type").and_then(Value::as_str) else {
            return Err(Error::invalid(path.clone(), format!("'{path}.type' is missing; it is 'function' mostly.")));
        };
        if kind == "function" && tool["function"]["name"].as_str().is_none_or(str::is_empty) {
            let path = format!("{path}.function.name");
            return Err(Error::invalid(path.clone(), format!("'{path}' is missing.")));
        }
    }
    Ok(tools)
}

fn read_tool_choice(object: &mut Object) -> Result<ToolChoice> {
    let bad = |message: &str| Error::invalid("tool_choice", message);
    match object.take("tool_choice") {
        None => Ok(ToolChoice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" => Ok(ToolChoice::Required),
            _ => Err(bad("'tool_choice' must be 'auto', 'none', 'required' or an object that names a function.")),
        },
        Some(value @ Value::Object(_)) => match value["function"]["name"].as_str() {
            Some(name) => Ok(ToolChoice::Function(name.to_owned())),
            None => Err(bad("'tool_choice.function.name' is missing.")),
        },
        Some(other) => Err(wrong_kind("tool_choice".to_owned(), "a string or an object", &other)),
    }
}

pub(super) fn write_tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => Value::Null,
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Function(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

fn read_response_format(object: &mut Object) -> Result<ResponseFormat> {
    let Some(mut format) = object.object("response_format")? else { return Ok(ResponseFormat::Text) };
    match format.required_string("type")?.as_str() {
        "text" => Ok(ResponseFormat::Text),
        "json_object" => Ok(ResponseFormat::JsonObject),
        "json_schema" => {
            let mut inner = format.object("json_schema")?.ok_or_else(|| format.missing("json_schema"))?;
            let path = inner.path_of("schema");
            let schema = inner.take("schema").ok_or_else(|| inner.missing("schema"))?;
            if !schema.is_object() {
                return Err(wrong_kind(path, "an object", &schema));
            }
            Ok(ResponseFormat::JsonSchema { schema, extra: inner.rest() })
        }
        other => {
            let message =
                format!("'response_format.type' must be 'text', 'json_object' or 'json_schema', not '{other}'.");
            Err(Error::invalid("response_format.type", message))
        }
    }
}

pub(super) fn write_response_format(format: &ResponseFormat) -> Value {
    match format {
        ResponseFormat::Text => Value::Null,
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema { schema, extra } => {
            let mut inner = extra.clone();
            // OpenAI demands a name.
            inner.entry("name").or_insert_with(|| json!("answer"));
            inner.insert("schema".to_owned(), schema.clone());
            json!({"type": "json_schema", "json_schema": inner})
        }
    }
}

fn read_include_usage(options: Option<Object>) -> Result<bool> {
    match options {
        None => Ok(false),
        Some(mut options) => Ok(options.boolean("include_usage")?.unwrap_or(false)),
    }
}

pub(crate) fn read_retrieval(object: &mut Object) -> Result<RetrievalWish> {
    let Some(mut wish) = object.object("retrieval")? else { return Ok(RetrievalWish::default()) };
    let read = RetrievalWish {
        mode: wish.string("mode")?,
        limit: wish.integer("top_k", 1..=100)?.and_then(|limit| usize::try_from(limit).ok()),
        filter: wish.take("filter"),
        score_threshold: wish.number("score_threshold", f64::MIN..=f64::MAX)?,
        rerank: wish.boolean("rerank")?,
    };
    // Our own object: a misspelt field would otherwise do nothing, silently.
    if let Some((key, _)) = wish.rest().iter().next() {
        let path = format!("retrieval.{key}");
        let known = "mode, top_k, filter, score_threshold, rerank";
        return Err(Error::invalid(path.clone(), format!("'{path}' is not known; 'retrieval' takes {known}.")));
    }
    Ok(read)
}

#[cfg(test)]
#[path = "chat_request_tests.rs"]
mod tests;
