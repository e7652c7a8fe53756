//! A whole answer as JSON, written straight from what was collected.
//!
//! It builds no tree of values: this is on the way of every call. It does not know where the answer comes from.

use super::chat_reply::{Answer, Choice, annotations};
use super::message::write_tool_call;
use crate::beside::write_beside;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;
use yizhan_domain::{Fields, FinishReason, Usage};

/// A field of `Extra` that stands beside `delta` or `message`, not in it.
pub(super) const BESIDE_DELTA: &str = "logprobs";

/// The body of a reply of `/v1/chat/completions`.
pub(super) struct AnswerBody<'a> {
    pub(super) answer: &'a Answer,
    pub(super) id: &'a str,
    pub(super) created: i64,
    pub(super) model: &'a str,
}

/// What an object always has; other fields are beside these.
const OF_BODY: &[&str] = &["id", "object", "created", "model", "choices", "usage"];
const OF_MESSAGE: &[&str] =
    &["role", "content", "refusal", "annotations", "reasoning_content", "tool_calls", BESIDE_DELTA];

impl Serialize for AnswerBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("id", self.id)?;
        body.serialize_entry("object", "chat.completion")?;
        body.serialize_entry("created", &self.created)?;
        body.serialize_entry("model", self.model)?;
        body.serialize_entry("choices", &Choices(&self.answer.choices))?;
        body.serialize_entry("usage", &UsageBody(&self.answer.usage.unwrap_or_default()))?;
        write_beside(&mut body, &self.answer.extra, OF_BODY)?;
        body.end()
    }
}

struct Choices<'a>(&'a [Choice]);

impl Serialize for Choices<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for (index, choice) in self.0.iter().enumerate() {
            list.serialize_element(&ChoiceBody { index, choice })?;
        }
        list.end()
    }
}

struct ChoiceBody<'a> {
    index: usize,
    choice: &'a Choice,
}

impl Serialize for ChoiceBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("index", &self.index)?;
        object.serialize_entry("message", &MessageBody(self.choice))?;
        object.serialize_entry("logprobs", &self.choice.extra.get(BESIDE_DELTA))?;
        object.serialize_entry("finish_reason", &self.choice.reason.unwrap_or(FinishReason::Stop))?;
        object.end()
    }
}

struct MessageBody<'a>(&'a Choice);

impl Serialize for MessageBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Choice { text, reasoning, tool_calls, citations, extra, .. } = self.0;
        let has_text = !text.is_empty() || tool_calls.is_empty();
        let mut object = serializer.serialize_map(None)?;
        // A vendor's own word for one of these wins.
        put(&mut object, extra, "role", Some("assistant"))?;
        put(&mut object, extra, "content", Some(has_text.then_some(text)))?;
        put(&mut object, extra, "refusal", Some(Value::Null))?;
        put(&mut object, extra, "annotations", Some(annotations(citations)))?;
        put(&mut object, extra, "reasoning_content", (!reasoning.is_empty()).then_some(reasoning))?;
        let calls = || tool_calls.iter().map(write_tool_call).collect::<Vec<Value>>();
        put(&mut object, extra, "tool_calls", (!tool_calls.is_empty()).then(calls))?;
        write_beside(&mut object, extra, OF_MESSAGE)?;
        object.end()
    }
}

/// A field: as `extra` has it, else this one, if there is one.
fn put<M: SerializeMap>(
    object: &mut M,
    extra: &Fields,
    key: &'static str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    match (extra.get(key), value) {
        (Some(own), _) => object.serialize_entry(key, own),
        (None, Some(value)) => object.serialize_entry(key, &value),
        (None, None) => Ok(()),
    }
}

/// `usage` as OpenAI writes it.
pub(super) struct UsageBody<'a>(pub(super) &'a Usage);

impl Serialize for UsageBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Cached {
            cached_tokens: u32,
        }
        #[derive(serde::Serialize)]
        struct Reasoned {
            reasoning_tokens: u32,
        }
        let usage = self.0;
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("prompt_tokens", &usage.prompt_tokens)?;
        object.serialize_entry("completion_tokens", &usage.completion_tokens)?;
        object.serialize_entry("total_tokens", &usage.total_tokens())?;
        object.serialize_entry("prompt_tokens_details", &Cached { cached_tokens: usage.cached_tokens })?;
        if usage.reasoning_tokens > 0 {
            let reasoned = Reasoned { reasoning_tokens: usage.reasoning_tokens };
            object.serialize_entry("completion_tokens_details", &reasoned)?;
        }
        object.end()
    }
}
