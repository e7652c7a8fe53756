//! The requests of `/v1/messages` and `/v1/messages/count_tokens`.
//!
//! It does not know which models exist, nor what Anthropic's own models make of a field.

use super::message_read::{read_messages, read_system};
use crate::object::{Object, wrong_kind};
use crate::openai::{RetrievalWish, read_retrieval};
use serde_json::{Value, json};
use yizhan_domain::{Error, Fields, ModelName, Result, TokenCount};
use yizhan_model::{ChatRequest, Dialect, ResponseFormat, Sampling, ToolChoice};

/// A request of `/v1/messages`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessagesRequest {
    /// What is asked; never empty.
    pub model: String,
    /// The conversation and how to answer it.
    pub request: ChatRequest,
    /// Our own field: how passages are found.
    pub retrieval: RetrievalWish,
}

impl MessagesRequest {
    /// Reads a request. Errors name the path of the field.
    pub fn read(body: Value) -> Result<Self> {
        let mut object = Object::body(body)?;
        let mut read = Self::read_common(&mut object)?;
        read.request.sampling.max_tokens = Some(read_max_tokens(&mut object)?);
        read.request.extra.extend(object.rest());
        Ok(read)
    }

    /// Reads a request to count a prompt's tokens: the same, but nothing is generated.
    pub fn read_count(body: Value) -> Result<Self> {
        let mut object = Object::body(body)?;
        let mut read = Self::read_common(&mut object)?;
        read.request.extra.extend(object.rest());
        Ok(read)
    }

    /// The model's name.
    pub fn model_name(&self) -> ModelName {
        ModelName::new(self.model.as_str())
    }

    fn read_common(object: &mut Object) -> Result<Self> {
        let model = object.model()?;
        let mut messages = Vec::from_iter(read_system(object)?);
        messages.extend(read_messages(object)?);
        let mut extra = Fields::new();
        let (tool_choice, one_at_a_time) = read_tool_choice(object)?;
        if one_at_a_time {
            extra.insert("parallel_tool_calls".to_owned(), json!(false));
        }
        let response_format = read_output_config(object, &mut extra)?;
        let request = ChatRequest {
            messages,
            sampling: read_sampling(object)?,
            tools: read_tools(object)?,
            tool_choice,
            response_format,
            more_choices: 0,
            streamed: object.boolean("stream")?.unwrap_or(false),
            extra,
            dialect: Dialect::Anthropic,
        };
        Ok(Self { model, request, retrieval: read_retrieval(object)? })
    }
}

/// The reply of `/v1/messages/count_tokens`.
pub fn count_reply(tokens: TokenCount) -> Value {
    json!({"input_tokens": tokens})
}

fn read_max_tokens(object: &mut Object) -> Result<TokenCount> {
    let most = object.integer("max_tokens", 1..=i64::from(TokenCount::MAX))?;
    most.and_then(|most| TokenCount::try_from(most).ok()).ok_or_else(|| {
        Error::invalid("max_tokens", "'max_tokens' is missing; it says how many tokens the answer may have at most.")
    })
}

fn read_sampling(object: &mut Object) -> Result<Sampling> {
    let top_k = object.integer("top_k", 0..=i64::from(u32::MAX))?;
    let stop = object.strings("stop_sequences")?.unwrap_or_default();
    Ok(Sampling {
        // Anthropic's own models take up to 1, but others may stand behind this route.
        temperature: object.number("temperature", 0.0..=2.0)?,
        top_p: object.number("top_p", 0.0..=1.0)?,
        top_k: top_k.and_then(|k| u32::try_from(k).ok()),
        stop: stop.into_iter().filter(|stop| !stop.is_empty()).collect(),
        ..Sampling::default()
    })
}

fn read_tools(object: &mut Object) -> Result<Vec<Value>> {
    let tools = object.array("tools")?.unwrap_or_default();
    tools.into_iter().enumerate().map(|(index, tool)| read_tool(format!("tools[{index}]"), tool)).collect()
}

fn read_tool(path: String, value: Value) -> Result<Value> {
    let own = value.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "custom");
    if own {
        return Ok(value);
    }
    let mut tool = Object::at(path, value)?;
    let mut function = Fields::new();
    function.insert("name".to_owned(), json!(tool.required_string("name")?));
    if let Some(description) = tool.string("description")? {
        function.insert("description".to_owned(), json!(description));
    }
    let schema = tool.take("input_schema").ok_or_else(|| tool.missing("input_schema"))?;
    if !schema.is_object() {
        return Err(wrong_kind(tool.path_of("input_schema"), "an object", &schema));
    }
    function.insert("parameters".to_owned(), schema);
    if let Some(strict) = tool.boolean("strict")? {
        function.insert("strict".to_owned(), json!(strict));
    }
    tool.take("type");
    let mut read =
        Fields::from_iter([("type".to_owned(), json!("function")), ("function".to_owned(), Value::Object(function))]);
    let taken = ["type", "function"];
    read.extend(tool.rest().into_iter().filter(|(key, _)| !taken.contains(&key.as_str())));
    Ok(Value::Object(read))
}

/// The choice, and whether at most one tool may be called.
fn read_tool_choice(object: &mut Object) -> Result<(ToolChoice, bool)> {
    let Some(mut choice) = object.object("tool_choice")? else { return Ok((ToolChoice::Auto, false)) };
    let one_at_a_time = choice.boolean("disable_parallel_tool_use")?.unwrap_or(false);
    let read = match choice.required_string("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Function(choice.required_string("name")?),
        other => {
            let message = format!("'tool_choice.type' must be 'auto', 'any', 'tool' or 'none', not '{other}'.");
            return Err(Error::invalid("tool_choice.type", message));
        }
    };
    Ok((read, one_at_a_time))
}

/// The answer's shape. The whole is kept too: it may say more than the shape.
fn read_output_config(object: &mut Object, extra: &mut Fields) -> Result<ResponseFormat> {
    let Some(mut config) = object.object("output_config")? else { return Ok(ResponseFormat::Text) };
    let whole = config.clone().rest();
    let format = match config.object("format")? {
        None => ResponseFormat::Text,
        Some(format) => read_format(format)?,
    };
    if !whole.is_empty() {
        extra.insert("output_config".to_owned(), Value::Object(whole));
    }
    Ok(format)
}

fn read_format(mut format: Object) -> Result<ResponseFormat> {
    let kind = format.required_string("type")?;
    if kind != "json_schema" {
        let path = format.path_of("type");
        return Err(Error::invalid(path.clone(), format!("'{path}' must be 'json_schema', not '{kind}'.")));
    }
    let schema = format.take("schema").ok_or_else(|| format.missing("schema"))?;
    if !schema.is_object() {
        return Err(wrong_kind(format.path_of("schema"), "an object", &schema));
    }
    Ok(ResponseFormat::JsonSchema { schema, extra: format.rest() })
}

#[cfg(test)]
#[path = "request_read_tests.rs"]
mod tests;
