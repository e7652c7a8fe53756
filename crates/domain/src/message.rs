//! A conversation's messages and the citations of an answer.
//!
//! It does not know any vendor's JSON: `dialect` does.

use crate::{FileId, Rect};
use serde::{Deserialize, Serialize};

/// Fields of a vendor's JSON that nobody here reads, kept so that they can be passed on unharmed.
pub type Fields = serde_json::Map<String, serde_json::Value>;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The operator's instructions (`developer` in newer clients).
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
}

impl Role {
    /// The word that chat templates use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }
}

/// One piece of a message's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// What else the part holds.
        #[serde(default, skip_serializing_if = "Fields::is_empty")]
        extra: Fields,
    },
    /// An image by address or `data:` URL.
    Image {
        /// The address.
        url: String,
        /// What else the part holds, beside its address (`detail` is one).
        #[serde(default, skip_serializing_if = "Fields::is_empty")]
        extra: Fields,
    },
    /// A kind that nobody here reads (audio, files), in OpenAI's form.
    Other {
        /// The whole part.
        value: Fields,
    },
}

impl Part {
    /// A part of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Part::Text { text: text.into(), extra: Fields::new() }
    }

    /// An image and nothing more about it.
    pub fn image(url: impl Into<String>) -> Self {
        Part::Image { url: url.into(), extra: Fields::new() }
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text, by far the most common.
    Text(String),
    /// Several parts.
    Parts(Vec<Part>),
}

impl Content {
    /// All text of it, parts joined by a line break.
    pub fn text(&self) -> String {
        match self {
            Content::Text(text) => text.clone(),
            Content::Parts(parts) => {
                let texts: Vec<&str> = parts
                    .iter()
                    .filter_map(|part| match part {
                        Part::Text { text, .. } => Some(text.as_str()),
                        Part::Image { .. } | Part::Other { .. } => None,
                    })
                    .collect();
                texts.join("\n")
            }
        }
    }
}

/// A model's wish to call a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The call's id, repeated by the tool's result.
    pub id: String,
    /// The function's name.
    pub name: String,
    /// The arguments as the model wrote them: JSON text, not yet checked.
    pub arguments: String,
    /// What else the call holds.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub extra: Fields,
}

/// A piece of a tool call on its way. A call is all pieces of one index: the first names it, the
/// arguments are joined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCallPiece {
    /// Which call of the answer, from 0.
    pub index: u32,
    /// The call's id, with its first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The function's name, with the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// More of the arguments' JSON text.
    pub arguments: String,
    /// What else the piece holds.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub extra: Fields,
}

impl ToolCallPiece {
    /// A whole call in one piece.
    pub fn whole(index: u32, call: ToolCall) -> Self {
        let ToolCall { id, name, arguments, extra } = call;
        Self { index, id: Some(id), name: Some(name), arguments, extra }
    }

    /// Adds the piece to the calls so far.
    pub fn join(self, calls: &mut Vec<ToolCall>) {
        let index = self.index as usize;
        // An index far beyond the calls so far is a vendor's mistake: it begins the next call.
        let index = index.min(calls.len());
        if index == calls.len() {
            let empty = String::new;
            calls.push(ToolCall { id: empty(), name: empty(), arguments: empty(), extra: Fields::new() });
        }
        let call = &mut calls[index];
        if let Some(id) = self.id.filter(|id| !id.is_empty()) {
            call.id = id;
        }
        if let Some(name) = self.name {
            call.name.push_str(&name);
        }
        call.arguments.push_str(&self.arguments);
        call.extra.extend(self.extra);
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content,
    /// Calls of an assistant's turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Which call a tool's turn answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// What else the message holds (`name`, `reasoning_content`, a vendor's own fields).
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub extra: Fields,
}

impl Message {
    /// A turn of plain text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            content: Content::Text(text.into()),
            tool_calls: Vec::new(),
            tool_call_id: None,
            extra: Fields::new(),
        }
    }
}

/// Where a statement of an answer comes from: `[index]` in the answer's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in square brackets, from 1.
    pub index: u32,
    /// The file.
    pub file_id: FileId,
    /// Its name as shown to people.
    pub filename: String,
    /// The page, from 1; none for formats without pages.
    pub page: Option<u32>,
    /// The line of the source that the answer rests on.
    pub quote: String,
    /// Where the quote stands on the page, in points, origin top left.
    pub boxes: Vec<Rect>,
}
