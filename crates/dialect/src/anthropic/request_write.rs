//! A request in Anthropic's form, for their servers and those that copy them.
//!
//! It does not know which models exist or what they can do; what Anthropic has no word for and what would change the
//! answer's meaning silently is refused.
//!
//! What Anthropic's clients send and OpenAI has no place for is carried in `extra`: a message's
//! `thinking_blocks` (whole blocks with their signatures, in order, before its text), `cache_control` of a
//! part or a message, and a request's own fields (`thinking`, `metadata`, `service_tier`, …).

use crate::beside::{put_beside, with_beside};
use crate::object::short;
use serde_json::{Map, Value, json};
use yizhan_domain::{Content, Error, Fields, Message, Part, Result, Role, ToolCall};
use yizhan_model::{ChatRequest, ResponseFormat, ToolChoice};

/// Fields that are written from what was read. `thinking`, `metadata` and `output_config` are not among them: what
/// Anthropic's clients say of those goes before.
const OWN: &[&str] = &[
    "model",
    "max_tokens",
    "system",
    "messages",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "stream",
];

/// Fields of OpenAI's requests that mean nothing to Anthropic and whose absence changes no answer's meaning.
const OPENAI_ONLY: &[&str] = &[
    "user",
    "parallel_tool_calls",
    "reasoning_effort",
    "stream_options",
    "store",
    "verbosity",
    "prediction",
    "modalities",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "logit_bias",
    "logprobs",
    "top_logprobs",
];

/// The least that Anthropic takes as `budget_tokens`.
const LEAST_THINKING: u32 = 1024;

/// The request. Anthropic wants to be told the most tokens of the answer: `default_max_tokens` stands in when
/// the caller did not say. Temperatures above 1, which Anthropic refuses, become 1. Errors: `InvalidRequest` for several choices, and for a JSON object without a schema.
pub fn write_message_request(
    model: &str,
    request: &ChatRequest,
    default_max_tokens: u32,
) -> Result<Map<String, Value>> {
    refuse_unknown(request)?;
    let ChatRequest { messages, sampling, tools, streamed, extra, .. } = request;
    let max_tokens = sampling.max_tokens.unwrap_or(default_max_tokens);
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            body.insert(key.to_owned(), value);
        }
    };
    put("model", json!(model));
    put("max_tokens", json!(max_tokens));
    put("system", write_system(messages));
    put("messages", Value::Array(write_messages(messages)?));
    put("temperature", sampling.temperature.map_or(Value::Null, |value| short(value.min(1.0))));
    put("top_p", sampling.top_p.map_or(Value::Null, short));
    put("top_k", json!(sampling.top_k.filter(|k| *k > 0)));
    put("stop_sequences", if sampling.stop.is_empty() { Value::Null } else { json!(sampling.stop) });
    put("tools", if tools.is_empty() { Value::Null } else { tools.iter().map(write_tool).collect() });
    put("tool_choice", write_tool_choice(request));
    put("output_config", write_output_config(request));
    put("thinking", thinking(extra, max_tokens));
    put("metadata", extra.get("user").map_or(Value::Null, |user| json!({"user_id": user})));
    put("stream", if *streamed { json!(true) } else { Value::Null });
    put_beside(&mut body, extra, &[OWN, OPENAI_ONLY].concat());
    Ok(body)
}

fn refuse_unknown(request: &ChatRequest) -> Result<()> {
    if request.more_choices > 0 {
        return Err(Error::invalid("n", "Anthropic's models give one answer; leave 'n' out, or ask several times."));
    }
    if request.response_format == ResponseFormat::JsonObject {
        let message =
            "Anthropic's models take a schema, not 'json_object'; send 'json_schema' or ask for JSON in words.";
        return Err(Error::invalid("response_format.type", message));
    }
    Ok(())
}

/// All instructions, wherever they stand: Anthropic takes them apart from the conversation. Plain
/// text stays plain; parts stay parts, as they may carry `cache_control`.
fn write_system(messages: &[Message]) -> Value {
    let system: Vec<&Message> = messages.iter().filter(|message| message.role == Role::System).collect();
    let is_plain = |message: &&Message| matches!(message.content, Content::Text(_)) && message.extra.is_empty();
    match system.as_slice() {
        [] => Value::Null,
        [one] if is_plain(one) => json!(one.content.text()),
        many => Value::Array(many.iter().flat_map(|message| write_content(message)).collect()),
    }
}

/// The turns. Anthropic wants user and assistant in turn, and all results of one turn's tools together: turns of
/// one side are joined.
fn write_messages(messages: &[Message]) -> Result<Vec<Value>> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages.iter().filter(|message| message.role != Role::System) {
        let (role, blocks) = match message.role {
            Role::Assistant => ("assistant", write_assistant(message)?),
            Role::Tool => ("user", vec![write_tool_result(message)]),
            Role::User | Role::System => ("user", write_content(message)),
        };
        match turns.last_mut() {
            Some((last, joined)) if *last == role => joined.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    Ok(turns.into_iter().filter(|(_, blocks)| !blocks.is_empty()).map(write_turn).collect())
}

/// A single plain text is written as a string.
fn write_turn((role, blocks): (&str, Vec<Value>)) -> Value {
    match blocks.as_slice() {
        [Value::Object(block)] if block.len() == 2 && block.get("type").is_some_and(|kind| kind == "text") => {
            json!({"role": role, "content": block["text"]})
        }
        _ => json!({"role": role, "content": blocks}),
    }
}

fn write_assistant(message: &Message) -> Result<Vec<Value>> {
    let mut blocks = match message.extra.get("thinking_blocks") {
        Some(Value::Array(blocks)) => blocks.clone(),
        _ => Vec::new(),
    };
    blocks.extend(write_content(message));
    for (index, call) in message.tool_calls.iter().enumerate() {
        blocks.push(write_tool_use(index, call)?);
    }
    Ok(blocks)
}

/// Text and images; `cache_control` of the message goes to its last block. Empty texts are left out:
/// Anthropic refuses them.
fn write_content(message: &Message) -> Vec<Value> {
    let mut blocks: Vec<Value> = match &message.content {
        Content::Text(text) if text.is_empty() => Vec::new(),
        Content::Text(text) => vec![json!({"type": "text", "text": text})],
        Content::Parts(parts) => parts.iter().filter_map(write_part).collect(),
    };
    put_cache_control(blocks.last_mut(), &message.extra);
    blocks
}

fn put_cache_control(block: Option<&mut Value>, extra: &Fields) {
    if let (Some(Value::Object(block)), Some(control)) = (block, extra.get("cache_control")) {
        block.insert("cache_control".to_owned(), control.clone());
    }
}

fn write_part(part: &Part) -> Option<Value> {
    match part {
        Part::Text { text, .. } if text.is_empty() => None,
        Part::Text { text, extra } => {
            Some(with_beside(json!({"type": "text", "text": text}), extra, &["type", "text"]))
        }
        Part::Image { url, extra } => {
            let image = json!({"type": "image", "source": image_source(url)});
            // OpenAI's `detail` stands in `image_url`, and has no counterpart.
            Some(with_beside(image, extra, &["type", "source", "image_url", "detail"]))
        }
        Part::Other { value } => Some(write_document(value).unwrap_or_else(|| Value::Object(value.clone()))),
    }
}

/// OpenAI's `file` with its bytes is Anthropic's `document`; other parts are Anthropic's own.
fn write_document(part: &Fields) -> Option<Value> {
    let file = part.get("file").filter(|_| part.get("type").is_some_and(|kind| kind == "file"))?;
    let (media_type, data) = inline(file.get("file_data")?.as_str()?)?;
    let source = json!({"type": "base64", "media_type": media_type, "data": data});
    let mut document = json!({"type": "document", "source": source});
    if let Some(name) = file.get("filename") {
        document["title"] = name.clone();
    }
    Some(document)
}

/// `data:image/png;base64,…` taken apart.
fn inline(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("data:")?.split_once(";base64,")
}

fn image_source(url: &str) -> Value {
    match inline(url) {
        Some((media_type, data)) => json!({"type": "base64", "media_type": media_type, "data": data}),
        None => json!({"type": "url", "url": url}),
    }
}

fn write_tool_use(index: usize, call: &ToolCall) -> Result<Value> {
    let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
    let input: Value = serde_json::from_str(arguments).map_err(|error| {
        let path = format!("tool_calls[{index}].function.arguments");
        Error::invalid(path, format!("The arguments of the call '{}' are not JSON: {error}.", call.id))
    })?;
    let block = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input});
    Ok(with_beside(block, &call.extra, &["type", "id", "name", "input"]))
}

fn write_tool_result(message: &Message) -> Value {
    let content = match &message.content {
        Content::Text(text) => json!(text),
        Content::Parts(parts) => parts.iter().filter_map(write_part).collect(),
    };
    let mut block = json!({"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content});
    if let Some(failed) = message.extra.get("is_error") {
        block["is_error"] = failed.clone();
    }
    put_cache_control(Some(&mut block), &message.extra);
    block
}

/// Functions are put into Anthropic's form; tools of other kinds are Anthropic's own.
fn write_tool(tool: &Value) -> Value {
    let Some(function) = tool.get("function").and_then(Value::as_object) else { return tool.clone() };
    let mut written = Map::new();
    for (key, value) in function {
        let key = if key == "parameters" { "input_schema" } else { key.as_str() };
        if !value.is_null() {
            written.insert(key.to_owned(), value.clone());
        }
    }
    written.entry("input_schema").or_insert_with(|| json!({"type": "object", "properties": {}}));
    let beside = tool.as_object().into_iter().flatten().filter(|(key, _)| *key != "type" && *key != "function");
    written.extend(beside.map(|(key, value)| (key.clone(), value.clone())));
    Value::Object(written)
}

fn write_tool_choice(request: &ChatRequest) -> Value {
    // A choice without tools is refused there.
    if request.tools.is_empty() {
        return Value::Null;
    }
    let one_at_a_time = request.extra.get("parallel_tool_calls") == Some(&json!(false));
    let mut choice = match &request.tool_choice {
        ToolChoice::Auto if one_at_a_time => json!({"type": "auto"}),
        ToolChoice::Auto => return Value::Null,
        ToolChoice::None => return json!({"type": "none"}),
        ToolChoice::Required => json!({"type": "any"}),
        ToolChoice::Function(name) => json!({"type": "tool", "name": name}),
    };
    if one_at_a_time {
        choice["disable_parallel_tool_use"] = json!(true);
    }
    choice
}

fn write_output_config(request: &ChatRequest) -> Value {
    match &request.response_format {
        ResponseFormat::JsonSchema { schema, .. } => json!({"format": {"type": "json_schema", "schema": schema}}),
        ResponseFormat::Text | ResponseFormat::JsonObject => Value::Null,
    }
}

/// OpenAI's `reasoning_effort` as a budget of tokens; a caller's own `thinking` wins. A budget must leave room for the
/// answer: where it cannot, the model does not think.
fn thinking(extra: &Fields, max_tokens: u32) -> Value {
    if extra.contains_key("thinking") {
        return Value::Null;
    }
    let budget = match extra.get("reasoning_effort").and_then(Value::as_str) {
        Some("low" | "minimal") => LEAST_THINKING,
        Some("medium") => 4096,
        Some("high" | "xhigh" | "max") => 16_384,
        _ => return Value::Null,
    };
    let budget = budget.min(max_tokens.saturating_sub(max_tokens / 4));
    if budget < LEAST_THINKING || budget >= max_tokens {
        return Value::Null;
    }
    json!({"type": "enabled", "budget_tokens": budget})
}

#[cfg(test)]
#[path = "request_write_tests.rs"]
mod tests;
