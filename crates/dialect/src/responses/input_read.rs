//! `input` of a request: a text, or the items of a conversation.
//!
//! It does not know items that lie at a server: there are none.

use super::item_write::unseal;
use crate::object::{Object, wrong_kind};
use serde_json::{Value, json};
use yizhan_domain::{Content, Error, Fields, Message, Part, Result, Role, ToolCall};

/// The messages of `input`.
pub(super) fn read_input(object: &mut Object) -> Result<Vec<Message>> {
    let items = match object.take("input") {
        None => return Err(object.missing("input")),
        Some(Value::String(text)) => return Ok(vec![Message::text(Role::User, text)]),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong_kind("input".to_owned(), "a string or a list of items", &other)),
    };
    if items.is_empty() {
        return Err(Error::invalid("input", "'input' is empty; send at least one item."));
    }
    let mut reader = Reader::default();
    for (index, item) in items.into_iter().enumerate() {
        reader.read(format!("input[{index}]"), item)?;
    }
    Ok(reader.messages)
}

/// The messages so far, and the reasoning that belongs to the next of the assistant's.
#[derive(Default)]
struct Reader {
    messages: Vec<Message>,
    reasoning: String,
    thoughts: Vec<Value>,
}

impl Reader {
    fn read(&mut self, path: String, value: Value) -> Result<()> {
        let mut item = Object::at(path, value)?;
        let kind = match item.string("type")? {
            Some(kind) => kind,
            None if item.has("role") => "message".to_owned(),
            None => return Err(item.missing("type")),
        };
        match kind.as_str() {
            "message" => self.message(item),
            "function_call" => self.call(item),
            "function_call_output" => self.output(item),
            "reasoning" => self.reasoning(item),
            "item_reference" => {
                let message = "Items are not stored here; send the item itself instead of a reference to it.";
                Err(Error::invalid(item.path_of("type"), message))
            }
            other => {
                let path = item.path_of("type");
                let known = "'message', 'function_call', 'function_call_output' or 'reasoning'";
                Err(Error::invalid(path.clone(), format!("'{path}' must be {known}, not '{other}'.")))
            }
        }
    }

    fn message(&mut self, mut item: Object) -> Result<()> {
        let role = read_role(&mut item)?;
        let path = item.path_of("content");
        let content = item.take("content").ok_or_else(|| item.missing("content"))?;
        let content = read_content(path, content)?;
        let extra = if role == Role::Assistant { self.take_reasoning() } else { Fields::new() };
        self.messages.push(Message { content, extra, ..Message::text(role, "") });
        Ok(())
    }

    fn call(&mut self, mut item: Object) -> Result<()> {
        let call = ToolCall {
            id: item.required_string("call_id")?,
            name: item.required_string("name")?,
            arguments: item.string("arguments")?.unwrap_or_default(),
            extra: Fields::new(),
        };
        let extra = self.take_reasoning();
        match self.messages.last_mut() {
            // Parallel calls, and those that follow a text, are one turn.
            Some(last) if last.role == Role::Assistant && extra.is_empty() => last.tool_calls.push(call),
            _ => self.messages.push(Message { tool_calls: vec![call], extra, ..Message::text(Role::Assistant, "") }),
        }
        Ok(())
    }

    fn output(&mut self, mut item: Object) -> Result<()> {
        let id = item.required_string("call_id")?;
        let path = item.path_of("output");
        let output = item.take("output").ok_or_else(|| item.missing("output"))?;
        let content = read_content(path, output)?;
        self.messages.push(Message { content, tool_call_id: Some(id), ..Message::text(Role::Tool, "") });
        Ok(())
    }

    /// Reasoning that was sealed here is given back as it was; other vendors' seals nobody can open.
    fn reasoning(&mut self, mut item: Object) -> Result<()> {
        let sealed = item.string("encrypted_content")?.map(|sealed| unseal(&sealed)).unwrap_or_default();
        if !sealed.is_empty() {
            self.thoughts.extend(sealed);
            return Ok(());
        }
        let content = item.array("content")?.unwrap_or_default();
        let summary = item.array("summary")?.unwrap_or_default();
        let texts = if content.is_empty() { summary } else { content };
        self.reasoning.extend(texts.iter().filter_map(|part| part["text"].as_str()));
        Ok(())
    }

    fn take_reasoning(&mut self) -> Fields {
        let mut fields = Fields::new();
        if !self.reasoning.is_empty() {
            fields.insert("reasoning_content".to_owned(), json!(std::mem::take(&mut self.reasoning)));
        }
        if !self.thoughts.is_empty() {
            fields.insert("thinking_blocks".to_owned(), Value::Array(std::mem::take(&mut self.thoughts)));
        }
        fields
    }
}

fn read_role(item: &mut Object) -> Result<Role> {
    match item.required_string("role")?.as_str() {
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        "system" | "developer" => Ok(Role::System),
        other => {
            let path = item.path_of("role");
            let roles = "'user', 'assistant', 'system' or 'developer'";
            Err(Error::invalid(path.clone(), format!("'{path}' must be one of {roles}, not '{other}'.")))
        }
    }
}

/// A text or a list of parts. A lone text is a text: more models take it so.
fn read_content(path: String, value: Value) -> Result<Content> {
    let parts = match value {
        Value::String(text) => return Ok(Content::Text(text)),
        Value::Array(parts) => parts,
        other => return Err(wrong_kind(path, "a string or a list of parts", &other)),
    };
    let parts = parts.into_iter().enumerate().map(|(index, part)| read_part(format!("{path}[{index}]"), part));
    let mut parts = parts.collect::<Result<Vec<Part>>>()?;
    Ok(match parts.as_mut_slice() {
        [] => Content::Text(String::new()),
        [Part::Text { text, extra }] if extra.is_empty() => Content::Text(std::mem::take(text)),
        _ => Content::Parts(parts),
    })
}

fn read_part(path: String, value: Value) -> Result<Part> {
    let mut part = Object::at(path, value)?;
    let kind = part.required_string("type")?;
    match kind.as_str() {
        // What stands beside (annotations, log probabilities) speaks to people, not to models.
        "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text" => {
            Ok(Part::text(part.required_string("text")?))
        }
        "refusal" => Ok(Part::text(part.required_string("refusal")?)),
        "input_image" => read_image(part),
        "input_file" => read_file(part),
        "input_audio" => {
            let mut value = Fields::from_iter([("type".to_owned(), json!(kind))]);
            value.extend(part.rest());
            Ok(Part::Other { value })
        }
        other => {
            let path = part.path_of("type");
            let known = "'input_text', 'input_image', 'input_file', 'input_audio', 'output_text' or 'refusal'";
            Err(Error::invalid(path.clone(), format!("'{path}' must be {known}, not '{other}'.")))
        }
    }
}

fn read_image(mut part: Object) -> Result<Part> {
    let Some(url) = part.string("image_url")? else {
        let path = part.path_of("image_url");
        let message = format!("'{path}' is missing; an image must come as an address or a data: URL.");
        return Err(Error::invalid(path, message));
    };
    let mut extra = Fields::new();
    // 'auto' is the default of both forms.
    if let Some(detail) = part.string("detail")?.filter(|detail| detail != "auto") {
        extra.insert("image_url".to_owned(), json!({"detail": detail}));
    }
    Ok(Part::Image { url, extra })
}

/// Chat's form of a file; it knows no address.
fn read_file(mut part: Object) -> Result<Part> {
    if part.has("file_url") {
        let path = part.path_of("file_url");
        let message = format!("'{path}' is not supported: nothing is fetched from outside. Send 'file_data'.");
        return Err(Error::invalid(path, message));
    }
    let mut file = Fields::new();
    for key in ["filename", "file_data", "file_id"] {
        file.extend(part.string(key)?.map(|value| (key.to_owned(), json!(value))));
    }
    if !file.contains_key("file_data") && !file.contains_key("file_id") {
        return Err(part.missing("file_data"));
    }
    Ok(Part::Other { value: Fields::from_iter([("type".into(), json!("file")), ("file".into(), Value::Object(file))]) })
}

#[cfg(test)]
#[path = "input_read_tests.rs"]
mod tests;
