//! Messages of a conversation, from the wire and to it.
//!
//! It does not know what a model makes of them.

use crate::beside::{with_beside, write_beside};
use crate::object::{Object, wrong_kind};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use yizhan_domain::{Content, Error, Fields, Message, Part, Result, Role, ToolCall};

/// The messages at `messages`.
pub(super) fn read_messages(values: Vec<Value>) -> Result<Vec<Message>> {
    if values.is_empty() {
        return Err(Error::invalid("messages", "'messages' is empty; send at least one message."));
    }
    values.into_iter().enumerate().map(|(index, value)| read_message(format!("messages[{index}]"), value)).collect()
}

fn read_message(path: String, value: Value) -> Result<Message> {
    let mut object = Object::at(path, value)?;
    let role = read_role(&mut object)?;
    let tool_calls = read_tool_calls(&mut object)?;
    let content = read_content(&mut object, role, !tool_calls.is_empty())?;
    let tool_call_id = object.string("tool_call_id")?;
    if role == Role::Tool && tool_call_id.is_none() {
        return Err(object.missing("tool_call_id"));
    }
    if role != Role::Assistant && !tool_calls.is_empty() {
        let path = object.path_of("tool_calls");
        return Err(Error::invalid(path.clone(), format!("'{path}' belongs to the role 'assistant' only.")));
    }
    Ok(Message { role, content, tool_calls, tool_call_id, extra: object.rest() })
}

fn read_role(object: &mut Object) -> Result<Role> {
    match object.required_string("role")?.as_str() {
        "system" | "developer" => Ok(Role::System),
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        "tool" => Ok(Role::Tool),
        other => {
            let path = object.path_of("role");
            let roles = "'system', 'developer', 'user', 'assistant' or 'tool'";
            Err(Error::invalid(path.clone(), format!("'{path}' must be one of {roles}, not '{other}'.")))
        }
    }
}

fn read_content(object: &mut Object, role: Role, has_tool_calls: bool) -> Result<Content> {
    let path = object.path_of("content");
    match object.take("content") {
        Some(Value::String(text)) => Ok(Content::Text(text)),
        Some(Value::Array(parts)) => {
            let parts = parts.into_iter().enumerate().map(|(index, part)| read_part(format!("{path}[{index}]"), part));
            Ok(Content::Parts(parts.collect::<Result<Vec<Part>>>()?))
        }
        Some(other) => Err(wrong_kind(path, "a string or a list of parts", &other)),
        None if role == Role::Assistant && has_tool_calls => Ok(Content::Text(String::new())),
        None => match object.string("refusal")? {
            Some(refusal) if role == Role::Assistant => Ok(Content::Text(refusal)),
            _ => Err(object.missing("content")),
        },
    }
}

fn read_part(path: String, value: Value) -> Result<Part> {
    let mut part = match value {
        // Some clients put bare strings into the list.
        Value::String(text) => return Ok(Part::text(text)),
        other => Object::at(path, other)?,
    };
    let kind = part.required_string("type")?;
    match kind.as_str() {
        "text" => Ok(Part::Text { text: part.required_string("text")?, extra: part.rest() }),
        "refusal" => Ok(Part::text(part.required_string("refusal")?)),
        "image_url" => read_image(part),
        _ => {
            let mut value = Fields::from_iter([("type".to_owned(), json!(kind))]);
            value.extend(part.rest());
            Ok(Part::Other { value })
        }
    }
}

/// What stands beside the address is kept at its place.
fn read_image(mut part: Object) -> Result<Part> {
    let path = part.path_of("image_url");
    match part.take("image_url") {
        Some(Value::String(url)) => Ok(Part::Image { url, extra: part.rest() }),
        Some(other) => {
            let mut image = Object::at(path, other)?;
            let url = image.required_string("url")?;
            let mut extra = part.rest();
            let beside = image.rest();
            if !beside.is_empty() {
                extra.insert("image_url".to_owned(), Value::Object(beside));
            }
            Ok(Part::Image { url, extra })
        }
        None => Err(part.missing("image_url")),
    }
}

fn read_tool_calls(object: &mut Object) -> Result<Vec<ToolCall>> {
    let path = object.path_of("tool_calls");
    let calls = object.array("tool_calls")?.unwrap_or_default();
    let calls = calls.into_iter().enumerate().map(|(index, call)| read_tool_call(format!("{path}[{index}]"), call));
    calls.collect()
}

fn read_tool_call(path: String, value: Value) -> Result<ToolCall> {
    let mut call = Object::at(path, value)?;
    let id = call.required_string("id")?;
    let mut function = call.object("function")?.ok_or_else(|| call.missing("function"))?;
    let name = function.required_string("name")?;
    let arguments = match function.take("arguments") {
        None => String::new(),
        Some(Value::String(text)) => text,
        // Some clients send the parsed arguments back.
        Some(other) => other.to_string(),
    };
    let mut extra = call.rest();
    extra.shift_remove("type");
    Ok(ToolCall { id, name, arguments, extra })
}

/// A message as OpenAI writes it, without fields of these names beside its own.
pub(super) struct MessageBody<'a> {
    pub(super) message: &'a Message,
    pub(super) without: &'a [&'static str],
}

impl Serialize for MessageBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Message { role, content, tool_calls, tool_call_id, extra } = self.message;
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("role", role.as_str())?;
        match content {
            // Some vendors take no empty text beside calls.
            Content::Text(text) if text.is_empty() && !tool_calls.is_empty() => {
                object.serialize_entry("content", &Value::Null)?;
            }
            Content::Text(text) => object.serialize_entry("content", text)?,
            Content::Parts(parts) => {
                let parts: Vec<Value> = parts.iter().map(|part| write_part(part, self.without)).collect();
                object.serialize_entry("content", &parts)?;
            }
        }
        if !tool_calls.is_empty() {
            let calls: Vec<Value> = tool_calls.iter().map(write_tool_call).collect();
            object.serialize_entry("tool_calls", &calls)?;
        }
        if let Some(id) = tool_call_id {
            object.serialize_entry("tool_call_id", id)?;
        }
        let own = [&["role", "content", "tool_calls", "tool_call_id"], self.without].concat();
        write_beside(&mut object, extra, &own)?;
        object.end()
    }
}

fn write_part(part: &Part, without: &[&str]) -> Value {
    let mut written = match part {
        Part::Text { text, extra } => with_beside(json!({"type": "text", "text": text}), extra, &["type", "text"]),
        Part::Image { url, extra } => {
            // What stood beside the URL, such as `detail`.
            let mut image = extra.get("image_url").and_then(Value::as_object).cloned().unwrap_or_default();
            image.insert("url".to_owned(), json!(url));
            with_beside(json!({"type": "image_url", "image_url": image}), extra, &["type", "image_url"])
        }
        Part::Other { value } => Value::Object(value.clone()),
    };
    if let Value::Object(fields) = &mut written
        && !without.is_empty()
    {
        fields.retain(|key, _| !without.contains(&key.as_str()));
    }
    written
}

/// A tool call as OpenAI writes it.
pub(super) fn write_tool_call(call: &ToolCall) -> Value {
    let value =
        json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}});
    with_beside(value, &call.extra, &["id", "type", "function"])
}
