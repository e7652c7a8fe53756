//! Anthropic's messages, whose content is blocks, read as the messages of a conversation.
//!
//! It does not know what a model makes of them.

use crate::object::{Object, wrong_kind};
use serde_json::{Value, json};
use yizhan_domain::{Content, Error, Fields, Message, Part, Result, Role, ToolCall};

/// `system`: a text or a list of text blocks.
pub(super) fn read_system(object: &mut Object) -> Result<Option<Message>> {
    let path = object.path_of("system");
    let content = match object.take("system") {
        None => return Ok(None),
        Some(value) => read_content(path, value)?,
    };
    // Some clients send an empty one; most models would rather have none.
    let empty = matches!(&content, Content::Text(text) if text.is_empty());
    Ok((!empty).then(|| message(Role::System, content)))
}

/// `messages`. One of Anthropic's messages can be several of ours: a user's holds the tools' results.
pub(super) fn read_messages(object: &mut Object) -> Result<Vec<Message>> {
    let values = object.array("messages")?.ok_or_else(|| object.missing("messages"))?;
    if values.is_empty() {
        return Err(Error::invalid("messages", "'messages' is empty; send at least one message."));
    }
    let mut messages = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        messages.extend(read_message(format!("messages[{index}]"), value)?);
    }
    Ok(messages)
}

fn read_message(path: String, value: Value) -> Result<Vec<Message>> {
    let mut object = Object::at(path, value)?;
    let role = read_role(&mut object)?;
    let path = object.path_of("content");
    let mut messages = match object.take("content") {
        None => return Err(object.missing("content")),
        Some(Value::Array(blocks)) if role == Role::Assistant => read_assistant(&path, blocks)?,
        Some(Value::Array(blocks)) if role == Role::User => read_user(&path, blocks)?,
        Some(other) => vec![message(role, read_content(path, other)?)],
    };
    if let Some(last) = messages.last_mut() {
        last.extra.extend(object.rest());
    }
    Ok(messages)
}

fn read_role(object: &mut Object) -> Result<Role> {
    match object.required_string("role")?.as_str() {
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        "system" => Ok(Role::System),
        other => {
            let path = object.path_of("role");
            let message = format!("'{path}' must be 'user', 'assistant' or 'system', not '{other}'.");
            Err(Error::invalid(path, message))
        }
    }
}

fn read_user(path: &str, blocks: Vec<Value>) -> Result<Vec<Message>> {
    let mut messages = Vec::new();
    let mut parts = Vec::new();
    for (index, block) in blocks.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        if block.get("type").and_then(Value::as_str) != Some("tool_result") {
            parts.push(read_part(path, block)?);
            continue;
        }
        if !parts.is_empty() {
            messages.push(message(Role::User, content(std::mem::take(&mut parts))));
        }
        messages.push(read_tool_result(path, block)?);
    }
    if !parts.is_empty() || messages.is_empty() {
        messages.push(message(Role::User, content(parts)));
    }
    Ok(messages)
}

fn read_tool_result(path: String, block: Value) -> Result<Message> {
    let mut block = Object::at(path, block)?;
    let id = block.required_string("tool_use_id")?;
    let path = block.path_of("content");
    let content = match block.take("content") {
        None => Content::Text(String::new()),
        Some(value) => read_content(path, value)?,
    };
    let mut extra = block.rest();
    extra.shift_remove("type");
    Ok(Message { tool_call_id: Some(id), extra, ..message(Role::Tool, content) })
}

/// One message, or several where thinking follows a text: OpenAI's messages hold it before the text only.
fn read_assistant(path: &str, blocks: Vec<Value>) -> Result<Vec<Message>> {
    let mut turns = vec![Turn::default()];
    for (index, value) in blocks.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let thinks = kind == "thinking" || kind == "redacted_thinking";
        if thinks && turns.last().is_some_and(|turn| !turn.parts.is_empty() && turn.calls.is_empty()) {
            turns.push(Turn::default());
        }
        let Some(turn) = turns.last_mut() else { continue };
        match kind.as_str() {
            "tool_use" => turn.calls.push(read_tool_use(path, value)?),
            _ if thinks => turn.think(path, value)?,
            _ => turn.parts.push(read_part(path, value)?),
        }
    }
    Ok(turns.into_iter().map(Turn::into_message).collect())
}

/// What an assistant's message holds.
#[derive(Default)]
struct Turn {
    thoughts: Vec<Value>,
    unsigned: String,
    parts: Vec<Part>,
    calls: Vec<ToolCall>,
}

impl Turn {
    /// A block without a signature is not Anthropic's: this server wrote it, for some other model's reasoning.
    fn think(&mut self, path: String, value: Value) -> Result<()> {
        let mut block = Object::at(path, value.clone())?;
        let signed = block.string("signature")?.is_some_and(|signature| !signature.is_empty());
        match block.string("thinking")? {
            Some(text) if !signed => self.unsigned.push_str(&text),
            _ => self.thoughts.push(value),
        }
        Ok(())
    }

    fn into_message(self) -> Message {
        let mut message = message(Role::Assistant, content(self.parts));
        message.tool_calls = self.calls;
        if !self.thoughts.is_empty() {
            message.extra.insert("thinking_blocks".to_owned(), Value::Array(self.thoughts));
        }
        if !self.unsigned.is_empty() {
            message.extra.insert("reasoning_content".to_owned(), Value::String(self.unsigned));
        }
        message
    }
}

fn read_tool_use(path: String, block: Value) -> Result<ToolCall> {
    let mut block = Object::at(path, block)?;
    let id = block.required_string("id")?;
    let name = block.required_string("name")?;
    let input = block.take("input").unwrap_or_else(|| json!({}));
    if !input.is_object() {
        return Err(wrong_kind(block.path_of("input"), "an object", &input));
    }
    let mut extra = block.rest();
    extra.shift_remove("type");
    Ok(ToolCall { id, name, arguments: input.to_string(), extra })
}

/// A text, or a list of blocks.
fn read_content(path: String, value: Value) -> Result<Content> {
    match value {
        Value::String(text) => Ok(Content::Text(text)),
        Value::Array(blocks) => {
            let parts =
                blocks.into_iter().enumerate().map(|(index, block)| read_part(format!("{path}[{index}]"), block));
            Ok(content(parts.collect::<Result<_>>()?))
        }
        other => Err(wrong_kind(path, "a string or a list of blocks", &other)),
    }
}

/// A lone plain text is a text: more models take it so.
fn content(mut parts: Vec<Part>) -> Content {
    match parts.as_mut_slice() {
        [] => Content::Text(String::new()),
        [Part::Text { text, extra }] if extra.is_empty() => Content::Text(std::mem::take(text)),
        _ => Content::Parts(parts),
    }
}

fn read_part(path: String, value: Value) -> Result<Part> {
    let mut block = Object::at(path, value)?;
    let kind = block.required_string("type")?;
    match kind.as_str() {
        "text" => {
            let text = block.required_string("text")?;
            let mut extra = block.rest();
            extra.retain(|key, value| !(key == "citations" && is_ours(value)));
            Ok(Part::Text { text, extra })
        }
        "image" => read_image(block),
        // A call or its result in the wrong turn would be an unreadable part for every model.
        "tool_use" | "tool_result" => {
            let path = block.path_of("type");
            let role = if kind == "tool_use" { "assistant" } else { "user" };
            Err(Error::invalid(path, format!("'{kind}' belongs to messages of the role '{role}' only.")))
        }
        _ => Ok(Part::Other { value: whole(kind, block) }),
    }
}

/// Citations that this server wrote: they name files that no provider knows. `null` says nothing.
fn is_ours(citations: &Value) -> bool {
    let ours = |citations: &Vec<Value>| citations.iter().all(|citation| citation.get("boxes").is_some());
    citations.is_null() || citations.as_array().is_some_and(ours)
}

/// The block as it came.
fn whole(kind: String, block: Object) -> Fields {
    let mut value = Fields::from_iter([("type".to_owned(), Value::String(kind))]);
    value.extend(block.rest());
    value
}

fn read_image(mut block: Object) -> Result<Part> {
    let mut source = block.object("source")?.ok_or_else(|| block.missing("source"))?;
    let kind = source.required_string("type")?;
    let url = match kind.as_str() {
        "base64" => {
            let media = source.required_string("media_type")?;
            format!("data:{media};base64,{}", source.required_string("data")?)
        }
        "url" => source.required_string("url")?,
        // A file that lies at Anthropic.
        _ => {
            let mut value = whole("image".to_owned(), block);
            value.insert("source".to_owned(), Value::Object(whole(kind, source)));
            return Ok(Part::Other { value });
        }
    };
    Ok(Part::Image { url, extra: block.rest() })
}

fn message(role: Role, content: Content) -> Message {
    Message { content, ..Message::text(role, "") }
}

#[cfg(test)]
#[path = "message_read_tests.rs"]
mod tests;
