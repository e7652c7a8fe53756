//! The request of `/v1/responses`.
//!
//! It does not know which models exist or what they can do.

use super::echo::Echo;
use super::input_read::read_input;
use crate::object::{Object, wrong_kind};
use crate::openai::{RetrievalWish, read_retrieval, read_sampling};
use serde_json::{Map, Value, json};
use yizhan_domain::{Error, Fields, Message, ModelName, Result, Role};
use yizhan_model::{ChatRequest, Dialect, ResponseFormat, Sampling, ToolChoice};

/// Fields that say how OpenAI's own servers go about it; nothing is lost without them.
const UNHEEDED: [&str; 7] =
    ["store", "background", "truncation", "metadata", "max_tool_calls", "stream_options", "context_management"];

/// A request of `/v1/responses`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponsesRequest {
    /// What is asked; never empty.
    pub model: String,
    /// The conversation and how to answer it.
    pub request: ChatRequest,
    /// Our own field: how passages are found.
    pub retrieval: RetrievalWish,
    /// What the response repeats.
    pub echo: Echo,
}

impl ResponsesRequest {
    /// Reads a request. Errors name the path of the field.
    pub fn read(body: Value) -> Result<Self> {
        let echo = body.as_object().map(Echo::of).unwrap_or_default();
        let mut object = Object::body(body)?;
        let model = object.model()?;
        refuse_state(&mut object)?;
        let mut messages = Vec::new();
        if let Some(instructions) = object.string("instructions")? {
            messages.push(Message::text(Role::System, instructions));
        }
        messages.extend(read_input(&mut object)?);
        let mut extra = Fields::new();
        let sampling = read_all_sampling(&mut object)?;
        let response_format = read_text(&mut object, &mut extra)?;
        read_reasoning(&mut object, &mut extra)?;
        read_logprobs(&mut object, &mut extra)?;
        let mut tools = read_tools(&mut object)?;
        let tool_choice = read_tool_choice(&mut object, &mut tools)?;
        let streamed = object.boolean("stream")?.unwrap_or(false);
        let retrieval = read_retrieval(&mut object)?;
        UNHEEDED.iter().for_each(|key| drop(object.take(key)));
        extra.extend(object.rest().into_iter().filter(|(_, value)| !value.is_null()));
        let request = ChatRequest {
            messages,
            sampling,
            tools,
            tool_choice,
            response_format,
            more_choices: 0,
            streamed,
            extra,
            dialect: Dialect::OpenAi,
        };
        Ok(Self { model, request, retrieval, echo })
    }

    /// The model's name.
    pub fn model_name(&self) -> ModelName {
        ModelName::new(self.model.as_str())
    }
}

/// What lies at the server lies nowhere here: to answer without it would be to answer something else.
fn refuse_state(object: &mut Object) -> Result<()> {
    for (key, instead) in [
        ("previous_response_id", "Responses are not stored here; send the whole conversation as 'input'."),
        ("conversation", "Conversations are not stored here; send the whole conversation as 'input'."),
        ("prompt", "Prompts are not stored here; send their text as 'instructions'."),
        ("moderation", "Ask /v1/moderations instead."),
    ] {
        if object.has(key) {
            return Err(Error::invalid(key, format!("'{key}' is not supported. {instead}")));
        }
    }
    if let Some(metadata) = object.take("metadata").filter(|metadata| !metadata.is_object()) {
        return Err(wrong_kind("metadata".to_owned(), "an object", &metadata));
    }
    if object.boolean("background")? == Some(true) {
        let message = "'background' is not supported: responses are not stored here. Send 'stream': true instead.";
        return Err(Error::invalid("background", message));
    }
    Ok(())
}

fn read_all_sampling(object: &mut Object) -> Result<Sampling> {
    let most = object.integer("max_output_tokens", 1..=i64::from(u32::MAX))?;
    let sampling = read_sampling(object)?;
    let max_tokens = most.and_then(|most| u32::try_from(most).ok()).or(sampling.max_tokens);
    Ok(Sampling { max_tokens, ..sampling })
}

fn read_text(object: &mut Object, extra: &mut Fields) -> Result<ResponseFormat> {
    let Some(mut text) = object.object("text")? else { return Ok(ResponseFormat::Text) };
    if let Some(verbosity) = text.string("verbosity")? {
        extra.insert("verbosity".to_owned(), json!(verbosity));
    }
    let Some(mut format) = text.object("format")? else { return Ok(ResponseFormat::Text) };
    let path = format.path_of("type");
    match format.required_string("type")?.as_str() {
        "text" => Ok(ResponseFormat::Text),
        "json_object" => Ok(ResponseFormat::JsonObject),
        "json_schema" => {
            let schema = format.take("schema").ok_or_else(|| format.missing("schema"))?;
            if !schema.is_object() {
                return Err(wrong_kind(format.path_of("schema"), "an object", &schema));
            }
            Ok(ResponseFormat::JsonSchema { schema, extra: format.rest() })
        }
        other => {
            let message = format!("'{path}' must be 'text', 'json_object' or 'json_schema', not '{other}'.");
            Err(Error::invalid(path, message))
        }
    }
}

fn read_reasoning(object: &mut Object, extra: &mut Fields) -> Result<()> {
    let Some(mut reasoning) = object.object("reasoning")? else { return Ok(()) };
    if let Some(effort) = reasoning.string("effort")? {
        extra.insert("reasoning_effort".to_owned(), json!(effort));
    }
    Ok(())
}

fn read_logprobs(object: &mut Object, extra: &mut Fields) -> Result<()> {
    let include = object.strings("include")?.unwrap_or_default();
    let top = object.integer("top_logprobs", 0..=20)?.filter(|top| *top > 0);
    if top.is_some() || include.iter().any(|what| what == "message.output_text.logprobs") {
        extra.insert("logprobs".to_owned(), json!(true));
        extra.extend(top.map(|top| ("top_logprobs".to_owned(), json!(top))));
    }
    Ok(())
}

fn read_tools(object: &mut Object) -> Result<Vec<Value>> {
    let tools = object.array("tools")?.unwrap_or_default();
    tools.into_iter().enumerate().map(|(index, tool)| read_tool(format!("tools[{index}]"), tool)).collect()
}

fn read_tool(path: String, value: Value) -> Result<Value> {
    let mut tool = Object::at(path, value)?;
    let path = tool.path_of("type");
    let kind = tool.required_string("type")?;
    if kind != "function" {
        let message = format!("'{path}' must be 'function': '{kind}' runs at OpenAI, and nothing here could run it.");
        return Err(Error::invalid(path, message));
    }
    let name = tool.required_string("name")?;
    if name.is_empty() {
        return Err(tool.missing("name"));
    }
    let mut function = Map::from_iter([("name".to_owned(), json!(name))]);
    for key in ["description", "parameters", "strict"] {
        function.extend(tool.take(key).map(|value| (key.to_owned(), value)));
    }
    Ok(json!({"type": "function", "function": function}))
}

/// The choice. Of `allowed_tools` the others are taken out of the list.
fn read_tool_choice(object: &mut Object, tools: &mut Vec<Value>) -> Result<ToolChoice> {
    let mut choice = match object.take("tool_choice") {
        None => return Ok(ToolChoice::Auto),
        Some(Value::String(word)) => return choice_of("tool_choice", &word),
        Some(value) => Object::at("tool_choice".to_owned(), value)?,
    };
    match choice.required_string("type")?.as_str() {
        "function" => Ok(ToolChoice::Function(choice.required_string("name")?)),
        "allowed_tools" => {
            let allowed = choice.array("tools")?.ok_or_else(|| choice.missing("tools"))?;
            let allowed: Vec<&str> = allowed.iter().filter_map(|tool| tool["name"].as_str()).collect();
            tools.retain(|tool| tool["function"]["name"].as_str().is_some_and(|name| allowed.contains(&name)));
            choice_of("tool_choice.mode", &choice.required_string("mode")?)
        }
        other => {
            let message = format!("'tool_choice.type' must be 'function' or 'allowed_tools', not '{other}'.");
            Err(Error::invalid("tool_choice.type", message))
        }
    }
}

fn choice_of(path: &str, word: &str) -> Result<ToolChoice> {
    match word {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" => Ok(ToolChoice::Required),
        _ => Err(Error::invalid(path, format!("'{path}' must be 'auto', 'none' or 'required', not '{word}'."))),
    }
}

#[cfg(test)]
#[path = "request_read_tests.rs"]
mod tests;
