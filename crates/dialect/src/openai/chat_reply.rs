//! The reply of `/v1/chat/completions`, whole or in chunks, written from an answer's events.
//!
//! It does not know server-sent events' framing or where the answer comes from.

use super::answer_body::{AnswerBody, BESIDE_DELTA, UsageBody};
use crate::object::boxes;
use serde::Serialize;
use serde_json::{Value, json};
use yizhan_domain::{Citation, Fields, FinishReason, ToolCall, ToolCallPiece, Usage};
use yizhan_model::ChatEvent;

/// A whole answer: what a stream's events add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The answers; nearly always one.
    pub choices: Vec<Choice>,
    /// What it took; none while it goes on.
    pub usage: Option<Usage>,
    /// Fields beside `choices`.
    pub extra: Fields,
}

/// One of a request's answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// The text.
    pub text: String,
    /// The model's reasoning; empty when it gave none.
    pub reasoning: String,
    /// Calls of tools.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ended.
    pub reason: Option<FinishReason>,
    /// What it rests on.
    pub citations: Vec<Citation>,
    /// Other fields of the message; `logprobs` stands beside it.
    pub extra: Fields,
}

impl Answer {
    /// Adds an event.
    pub fn take(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Text { choice, delta } => append(&mut self.choice(choice).text, delta),
            ChatEvent::Reasoning { choice, delta } => append(&mut self.choice(choice).reasoning, delta),
            ChatEvent::ToolCall { choice, piece } => piece.join(&mut self.choice(choice).tool_calls),
            ChatEvent::Extra { choice: Some(choice), fields } => merge(&mut self.choice(choice).extra, fields),
            ChatEvent::Extra { choice: None, fields } => self.extra.extend(fields),
            ChatEvent::Finish { choice, reason, citations } => {
                let choice = self.choice(choice);
                choice.reason = Some(reason);
                choice.citations = citations;
            }
            ChatEvent::End { usage } => self.usage = Some(usage),
        }
    }

    /// Has the last event been taken?
    pub fn is_whole(&self) -> bool {
        self.usage.is_some()
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        // A vendor's index far beyond what was asked for must not make us allocate.
        let index = (index as usize).min(MOST_CHOICES - 1);
        while self.choices.len() <= index {
            self.choices.push(Choice::default());
        }
        &mut self.choices[index]
    }

    /// The reply's body.
    pub fn body<'a>(&'a self, id: &'a str, created: i64, model: &'a str) -> impl Serialize + 'a {
        AnswerBody { answer: self, id, created, model }
    }

    /// The reply's body as a value.
    pub fn write(&self, id: &str, created: i64, model: &str) -> Value {
        json!(self.body(id, created, model))
    }
}

/// Most answers of one request.
const MOST_CHOICES: usize = 128;

fn append(text: &mut String, delta: String) {
    if text.is_empty() { *text = delta } else { text.push_str(&delta) }
}

/// Joins what comes in pieces: texts and lists grow, objects field by field, the rest is replaced.
fn merge(into: &mut Fields, from: Fields) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::String(text)), Value::String(more)) => text.push_str(&more),
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (Some(Value::Object(fields)), Value::Object(more)) => merge(fields, more),
            (_, Value::Null) => {}
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// `annotations` of an answer.
pub(crate) fn annotations(citations: &[Citation]) -> Vec<Value> {
    let annotation = |citation: &Citation| {
        json!({
            "type": "file_citation",
            "index": citation.index,
            "file_id": citation.file_id,
            "filename": citation.filename,
            "page": citation.page,
            "quote": citation.quote,
            "boxes": boxes(&citation.boxes),
        })
    };
    citations.iter().map(annotation).collect()
}

/// Writes the chunks of one streamed answer: who speaks, a chunk for each event, and the usage
/// when it was asked for.
#[derive(Clone, Debug)]
pub struct ChunkWriter {
    id: String,
    created: i64,
    model: String,
    include_usage: bool,
    /// Choices whose first chunk was written.
    begun: u32,
    /// Fields that go beside `choices` of the next chunk.
    beside: Fields,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: &'a [ChunkChoice<'a>],
    /// Absent unless usage was asked for; then null in all chunks but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
    #[serde(flatten)]
    beside: Fields,
}

#[derive(Serialize)]
struct ChunkChoice<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: Option<&'a Value>,
    finish_reason: Option<FinishReason>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Vec<Value>>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    extra: Option<&'a Fields>,
}

impl ChunkWriter {
    /// For the answer with this id.
    pub fn new(id: impl Into<String>, created: i64, model: impl Into<String>, include_usage: bool) -> Self {
        let (id, model) = (id.into(), model.into());
        Self { id, created, model, include_usage, begun: 0, beside: Fields::new() }
    }

    /// The chunk for an event. None: the event needs no chunk of its own.
    pub fn write(&mut self, event: ChatEvent) -> Option<String> {
        Some(match event {
            ChatEvent::Text { choice, delta } => {
                self.delta(choice, Delta { content: Some(&delta), ..Delta::default() }, None, None)
            }
            ChatEvent::Reasoning { choice, delta } => {
                self.delta(choice, Delta { reasoning_content: Some(&delta), ..Delta::default() }, None, None)
            }
            ChatEvent::ToolCall { choice, piece } => {
                let calls = json!([write_piece(piece)]);
                self.delta(choice, Delta { tool_calls: Some(calls), ..Delta::default() }, None, None)
            }
            ChatEvent::Extra { choice: Some(choice), mut fields } => {
                let logprobs = fields.shift_remove(BESIDE_DELTA);
                let extra = (!fields.is_empty()).then_some(&fields);
                self.delta(choice, Delta { extra, ..Delta::default() }, logprobs.as_ref(), None)
            }
            ChatEvent::Extra { choice: None, fields } => {
                self.beside.extend(fields);
                return None;
            }
            ChatEvent::Finish { choice, reason, citations } => {
                let annotations = (!citations.is_empty()).then(|| annotations(&citations));
                self.delta(choice, Delta { annotations, ..Delta::default() }, None, Some(reason))
            }
            ChatEvent::End { usage } => {
                return self.include_usage.then(|| self.chunk(&[], Some(json!(UsageBody(&usage)))));
            }
        })
    }

    /// The first chunk of the first answer: who speaks. Later answers' first chunks say it too.
    pub fn role(&mut self) -> String {
        self.delta(0, Delta { content: Some(""), ..Delta::default() }, None, None)
    }

    fn delta(
        &mut self,
        index: u32,
        mut delta: Delta<'_>,
        logprobs: Option<&Value>,
        finish_reason: Option<FinishReason>,
    ) -> String {
        if index >= self.begun {
            self.begun = index + 1;
            delta.role = Some("assistant");
        }
        let usage = self.include_usage.then_some(Value::Null);
        self.chunk(&[ChunkChoice { index, delta, logprobs, finish_reason }], usage)
    }

    fn chunk(&mut self, choices: &[ChunkChoice<'_>], usage: Option<Value>) -> String {
        let beside = std::mem::take(&mut self.beside);
        let (id, model, created) = (self.id.as_str(), self.model.as_str(), self.created);
        let object = "chat.completion.chunk";
        let chunk = Chunk { id, object, created, model, choices, usage, beside };
        // Strings and numbers only: this cannot fail.
        serde_json::to_string(&chunk).unwrap_or_default()
    }
}

/// A piece as OpenAI writes it: the first of a call says its type.
fn write_piece(piece: ToolCallPiece) -> Value {
    let ToolCallPiece { index, id, name, arguments, mut extra } = piece;
    let mut function = json!({"arguments": arguments});
    if let Some(name) = name {
        function = json!({"name": name, "arguments": arguments});
    }
    let mut value = json!({"index": index});
    if let Some(id) = id {
        value["id"] = json!(id);
        value["type"] = extra.shift_remove("type").unwrap_or_else(|| json!("function"));
    }
    value["function"] = function;
    for (key, field) in extra {
        value[key] = field;
    }
    value
}

#[cfg(test)]
#[path = "chat_reply_tests.rs"]
mod tests;
