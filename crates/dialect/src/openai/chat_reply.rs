//! The reply of `/v1/chat/completions`, whole or in chunks.
//!
//! It does not know server-sent events' framing or where the answer comes from.

use super::message::write_tool_call;
use crate::object::boxes;
use serde::Serialize;
use serde_json::{Value, json};
use yizhan_domain::{Citation, FinishReason, ToolCall, Usage};

/// A whole answer: what a stream's events add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// The model's reasoning; empty when it gave none.
    pub reasoning: String,
    /// Calls of tools.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ended.
    pub reason: Option<FinishReason>,
    /// What it took.
    pub usage: Usage,
    /// What it rests on.
    pub citations: Vec<Citation>,
}

impl Answer {
    /// The reply's body.
    pub fn write(&self, id: &str, created: i64, model: &str) -> Value {
        let no_text = self.text.is_empty() && !self.tool_calls.is_empty();
        let mut message = json!({
            "role": "assistant",
            "content": if no_text { Value::Null } else { json!(self.text) },
            "refusal": null,
            "annotations": annotations(&self.citations),
        });
        if !self.reasoning.is_empty() {
            message["reasoning_content"] = json!(self.reasoning);
        }
        if !self.tool_calls.is_empty() {
            message["tool_calls"] = self.tool_calls.iter().map(write_tool_call).collect();
        }
        let reason = self.reason.unwrap_or(FinishReason::Stop);
        json!({
            "id": id,
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason}],
            "usage": usage(&self.usage),
        })
    }
}

/// `annotations` of an answer.
fn annotations(citations: &[Citation]) -> Vec<Value> {
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

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens(),
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    })
}

/// Writes the chunks of one streamed answer: the role, any number of deltas, the end, and the
/// usage when it was asked for.
#[derive(Clone, Debug)]
pub struct ChunkWriter {
    id: String,
    created: i64,
    model: String,
    include_usage: bool,
    tool_calls: usize,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: &'a [Choice<'a>],
    /// Absent unless usage was asked for; then null in all chunks but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: Option<()>,
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
}

impl ChunkWriter {
    /// For the answer with this id.
    pub fn new(id: impl Into<String>, created: i64, model: impl Into<String>, include_usage: bool) -> Self {
        Self { id: id.into(), created, model: model.into(), include_usage, tool_calls: 0 }
    }

    /// The first chunk: who speaks.
    pub fn role(&self) -> String {
        self.delta(Delta { role: Some("assistant"), content: Some(""), ..Delta::default() }, None)
    }

    /// More text.
    pub fn text(&self, text: &str) -> String {
        self.delta(Delta { content: Some(text), ..Delta::default() }, None)
    }

    /// More reasoning.
    pub fn reasoning(&self, text: &str) -> String {
        self.delta(Delta { reasoning_content: Some(text), ..Delta::default() }, None)
    }

    /// A complete tool call.
    pub fn tool_call(&mut self, call: &ToolCall) -> String {
        let mut value = write_tool_call(call);
        value["index"] = json!(self.tool_calls);
        self.tool_calls += 1;
        self.delta(Delta { tool_calls: Some(json!([value])), ..Delta::default() }, None)
    }

    /// The chunk that ends the answer, with what it rests on.
    pub fn finish(&self, reason: FinishReason, citations: &[Citation]) -> String {
        let annotations = (!citations.is_empty()).then(|| annotations(citations));
        self.delta(Delta { annotations, ..Delta::default() }, Some(reason))
    }

    /// The last chunk, when usage was asked for.
    pub fn usage(&self, consumed: &Usage) -> Option<String> {
        self.include_usage.then(|| self.chunk(&[], Some(usage(consumed))))
    }

    fn delta(&self, delta: Delta<'_>, finish_reason: Option<FinishReason>) -> String {
        let usage = self.include_usage.then_some(Value::Null);
        self.chunk(&[Choice { index: 0, delta, logprobs: None, finish_reason }], usage)
    }

    fn chunk(&self, choices: &[Choice<'_>], usage: Option<Value>) -> String {
        let (id, model) = (self.id.as_str(), self.model.as_str());
        let chunk = Chunk { id, object: "chat.completion.chunk", created: self.created, model, choices, usage };
        // Strings and numbers only: this cannot fail.
        serde_json::to_string(&chunk).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "chat_reply_tests.rs"]
mod tests;
