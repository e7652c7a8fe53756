//! The request of `/v1/chat/completions` as OpenAI's clients would write it, for whoever asks a vendor.
//!
//! The conversation, most of it by far, is written straight from the messages; the few fields beside it are values that
//! vendors' ways may change. It does not know those ways.

use super::chat_request::{OWN, write_response_format, write_tool_choice};
use super::message::MessageBody;
use crate::beside::{put_beside, write_beside};
use crate::object::short;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value, json};
use yizhan_domain::Message;
use yizhan_model::ChatRequest;

/// A request on its way out. Reading what it is written as gives the same request.
pub struct ChatRequestBody<'a> {
    /// Everything but `messages`.
    pub fields: Map<String, Value>,
    messages: &'a [Message],
    without: Vec<&'static str>,
}

impl<'a> ChatRequestBody<'a> {
    /// Of a request to `model`.
    pub fn new(model: &str, request: &'a ChatRequest, include_usage: bool) -> Self {
        let ChatRequest {
            messages, sampling, tools, tool_choice, response_format, more_choices, streamed, extra, ..
        } = request;
        let mut fields = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value.filter(|value| !value.is_null()) {
                fields.insert(key.to_owned(), value);
            }
        };
        put("model", Some(model.into()));
        put("temperature", sampling.temperature.map(short));
        put("top_p", sampling.top_p.map(short));
        put("top_k", sampling.top_k.map(Value::from));
        put("min_p", sampling.min_p.map(short));
        put("frequency_penalty", sampling.frequency_penalty.map(short));
        put("presence_penalty", sampling.presence_penalty.map(short));
        put("repeat_penalty", sampling.repeat_penalty.map(short));
        put("seed", sampling.seed.map(|seed| seed.cast_signed().into()));
        put("max_tokens", sampling.max_tokens.map(Value::from));
        put("stop", (!sampling.stop.is_empty()).then(|| json!(sampling.stop)));
        put("tools", (!tools.is_empty()).then(|| json!(tools)));
        put("tool_choice", Some(write_tool_choice(tool_choice)));
        put("response_format", Some(write_response_format(response_format)));
        put("n", (*more_choices > 0).then(|| (more_choices + 1).into()));
        put("stream", streamed.then_some(true.into()));
        put("stream_options", (*streamed && include_usage).then(|| json!({"include_usage": true})));
        put_beside(&mut fields, extra, OWN);
        Self { fields, messages, without: Vec::new() }
    }

    /// Leaves fields of these names out of messages and of the parts of their content.
    pub fn leave_out(&mut self, names: &[&'static str]) {
        self.without.extend_from_slice(names);
    }
}

impl Serialize for ChatRequestBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("messages", &Messages(self))?;
        write_beside(&mut body, &self.fields, &["messages"])?;
        body.end()
    }
}

struct Messages<'a>(&'a ChatRequestBody<'a>);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ChatRequestBody { messages, without, .. } = self.0;
        let mut list = serializer.serialize_seq(Some(messages.len()))?;
        messages.iter().try_for_each(|message| list.serialize_element(&MessageBody { message, without }))?;
        list.end()
    }
}
