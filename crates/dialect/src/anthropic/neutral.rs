//! A request that came in Anthropic's form, made fit for models of other vendors.
//!
//! What has a counterpart becomes that; marks that only Anthropic's servers understand are dropped;
//! what would be missed in silence is refused. It does not know which vendor comes next.

use crate::object::Object;
use serde_json::{Value, json};
use yizhan_domain::{Content, Error, Fields, Message, Part, Result};
use yizhan_model::ChatRequest;

/// Fields of a request that other vendors do not know, or know as something else.
const DROPPED: [&str; 9] = [
    "thinking",
    "inference_geo",
    "context_management",
    "cache_control",
    "speed",
    "diagnostics",
    "container",
    "user_profile_id",
    "betas",
];

/// Fields of messages, parts, calls and tools of the same sort.
const MARKS: [&str; 9] = [
    "cache_control",
    "is_error",
    "citations",
    "transformations",
    "caller",
    "toolset_name",
    "eager_input_streaming",
    "input_examples",
    "allowed_callers",
];

/// Makes the request one that any vendor of chat completions takes: `metadata.user_id` becomes `user`,
/// `output_config.effort` `reasoning_effort`, signed thinking `reasoning_content`, documents text or
/// files. Blocks and tools that run at Anthropic are refused. A request of the Responses route passes unharmed: only
/// signed thinking changes in it.
pub fn make_neutral(request: &mut ChatRequest) -> Result<()> {
    let extra = &mut request.extra;
    if extra.contains_key("mcp_servers") {
        return Err(Error::invalid(
            "mcp_servers",
            "'mcp_servers' are called by Anthropic only; this model is not theirs.",
        ));
    }
    let metadata = extra.shift_remove("metadata");
    if let Some(user) = metadata.as_ref().and_then(|metadata| metadata["user_id"].as_str()) {
        extra.entry("user").or_insert_with(|| json!(user));
    }
    let config = extra.shift_remove("output_config");
    if let Some(effort) = config.as_ref().and_then(|config| config["effort"].as_str()) {
        extra.entry("reasoning_effort").or_insert_with(|| json!(effort));
    }
    drop_fields(extra, &DROPPED);
    // Other tiers are OpenAI's as well.
    extra.retain(|key, value| !(key == "service_tier" && value == "standard_only"));
    for (index, tool) in request.tools.iter_mut().enumerate() {
        neutral_tool(index, tool)?;
    }
    request.messages.iter_mut().try_for_each(neutral_message)
}

fn drop_fields(fields: &mut Fields, names: &[&str]) {
    fields.retain(|key, _| !names.contains(&key.as_str()));
}

fn neutral_tool(index: usize, tool: &mut Value) -> Result<()> {
    match tool.as_object_mut() {
        Some(fields) if fields.get("type").and_then(Value::as_str) == Some("function") => {
            drop_fields(fields, &MARKS);
            drop_fields(fields, &["defer_loading"]);
            Ok(())
        }
        _ => {
            let path = format!("tools[{index}].type");
            let kind = tool["type"].as_str().unwrap_or_default();
            let message = format!("'{kind}' is a tool of Anthropic's own; the model that was asked is not theirs.");
            Err(Error::invalid(path, message))
        }
    }
}

fn neutral_message(message: &mut Message) -> Result<()> {
    drop_fields(&mut message.extra, &MARKS);
    message.tool_calls.iter_mut().for_each(|call| drop_fields(&mut call.extra, &MARKS));
    if let Some(Value::Array(blocks)) = message.extra.shift_remove("thinking_blocks") {
        let text: String = blocks.iter().filter_map(|block| block["thinking"].as_str()).collect();
        if !text.is_empty() {
            message.extra.entry("reasoning_content").or_insert(Value::String(text));
        }
    }
    let Content::Parts(parts) = &mut message.content else { return Ok(()) };
    for part in parts {
        match part {
            Part::Text { extra, .. } | Part::Image { extra, .. } => drop_fields(extra, &MARKS),
            Part::Other { value } => *part = neutral_block(std::mem::take(value))?,
        }
    }
    Ok(())
}

fn neutral_block(value: Fields) -> Result<Part> {
    let mut block = Object::at("messages".to_owned(), Value::Object(value.clone()))?;
    let kind = block.string("type")?.unwrap_or_default();
    let title = block.string("title")?.unwrap_or_default();
    match kind.as_str() {
        "document" => neutral_document(&title, block),
        "search_result" => {
            let texts = block.array("content")?.unwrap_or_default();
            let texts: Vec<&str> = texts.iter().filter_map(|text| text["text"].as_str()).collect();
            Ok(titled(&title, &texts.join("\n")))
        }
        // Already in OpenAI's form.
        "file" | "input_audio" => Ok(Part::Other { value }),
        _ => Err(refused(&kind)),
    }
}

fn neutral_document(title: &str, mut block: Object) -> Result<Part> {
    let mut source = block.object("source")?.ok_or_else(|| refused("document"))?;
    match source.string("type")?.as_deref() {
        Some("text") => Ok(titled(title, &source.required_string("data")?)),
        Some("base64") => {
            let media = source.string("media_type")?.unwrap_or_else(|| "application/pdf".to_owned());
            let data = format!("data:{media};base64,{}", source.required_string("data")?);
            let name = if title.is_empty() { "document.pdf" } else { title };
            let file = json!({"filename": name, "file_data": data});
            Ok(Part::Other { value: Fields::from_iter([("type".into(), json!("file")), ("file".into(), file)]) })
        }
        _ => Err(refused("document")),
    }
}

fn titled(title: &str, text: &str) -> Part {
    if title.is_empty() { Part::text(text) } else { Part::text(format!("{title}\n{text}")) }
}

fn refused(kind: &str) -> Error {
    let message =
        format!("A block of the type '{kind}' in this form is for Anthropic's own models; send text instead.");
    Error::invalid("messages", message)
}

#[cfg(test)]
#[path = "neutral_tests.rs"]
mod tests;
