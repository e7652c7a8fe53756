//! Which requests are the same.
//!
//! It does not know what is kept under a key.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use yizhan_domain::{BaseId, Content, Fields, Message, ModelName, Part, Role, Sequence, TenantId, ToolCall};
use yizhan_model::{ChatRequest, ResponseFormat, Sampling, ToolChoice};

/// Raised when the canonical form changes, so that replicas of different versions never meet.
const FORM: u64 = 1;

/// The SHA-256 of something that a partition has too much of to hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of anything that can be written as JSON; the order of its fields does not matter.
    pub fn of(what: &impl Serialize) -> Self {
        let mut feed = Feed::new("digest");
        match serde_json::to_value(what) {
            Ok(value) => feed.value(&value),
            // Maps with keys that are no texts cannot be JSON; none of ours has such.
            Err(error) => feed.text(&error.to_string()),
        }
        Self(feed.end())
    }
}

/// What must be equal before two requests are even compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Partition {
    /// Whose answer it is.
    pub tenant: TenantId,
    /// A part of the tenant that shares nothing with the rest (a project, key or end user); none: all share.
    pub scope: Option<String>,
    /// The name that the caller put into `model`.
    pub model: ModelName,
    /// The model or route that answers.
    pub route: ModelName,
    /// The application's version: its prompt, its ways of searching, what the caller wishes of them.
    pub prompt: Option<Digest>,
    /// The bases that are searched, each with the last change that its answers can know.
    pub knowledge: BTreeMap<BaseId, Sequence>,
    /// The version of the rules on input, where answers shall not outlive it. Rules on output are applied to
    /// answers from memory too, so they need not be here.
    pub rules: Option<String>,
}

impl Partition {
    /// Of a model without application, documents or versions.
    pub fn new(tenant: TenantId, model: ModelName, route: ModelName) -> Self {
        Self { tenant, scope: None, model, route, prompt: None, knowledge: BTreeMap::new(), rules: None }
    }

    fn feed(&self, feed: &mut Feed) {
        let Self { tenant, scope, model, route, prompt, knowledge, rules } = self;
        feed.text(tenant.as_str());
        feed.maybe(scope.as_deref());
        feed.text(model.as_str());
        feed.text(route.as_str());
        feed.number(u64::from(prompt.is_some()));
        feed.bytes(prompt.as_ref().map_or(&[], |digest| digest.0.as_slice()));
        feed.count(knowledge.len());
        for (base, sequence) in knowledge {
            feed.text(base.as_str());
            feed.number(sequence.0);
        }
        feed.maybe(rules.as_deref());
    }
}

/// Equal for requests that get the same answer, and for no others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32]);

impl Key {
    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Key(self.0), f)
    }
}

/// The key of a request. What changes only how the answer is delivered or accounted for is left out: whether it
/// is streamed, `user`, `metadata` and the like. Everything else is in, unknown fields too; the order of
/// JSON fields does not matter, and a text as one plain part is the same as a text.
pub fn canonical_key(partition: &Partition, request: &ChatRequest) -> Key {
    key(partition, request, None)
}

/// The same of everything but the text of the last turn, and that text; none when there is no last turn of a
/// user that is text alone.
pub(crate) fn key_around_question<'a>(partition: &Partition, request: &'a ChatRequest) -> Option<(Key, &'a str)> {
    let last = request.messages.last().filter(|message| message.role == Role::User)?;
    let question = plain(&last.content)?;
    Some((key(partition, request, Some(request.messages.len() - 1)), question))
}

fn key(partition: &Partition, request: &ChatRequest, without_text_of: Option<usize>) -> Key {
    // Taken apart by name: a new field does not compile until somebody decides about it.
    let ChatRequest {
        messages,
        sampling,
        tools,
        tool_choice,
        response_format,
        more_choices,
        streamed: _,
        extra,
        dialect,
    } = request;
    let mut feed = Feed::new(if without_text_of.is_some() { "around" } else { "whole" });
    partition.feed(&mut feed);
    feed.count(messages.len());
    for (position, message) in messages.iter().enumerate() {
        feed.message(message, without_text_of == Some(position));
    }
    feed.sampling(sampling);
    feed.count(tools.len());
    tools.iter().for_each(|tool| feed.value(tool));
    feed.tool_choice(tool_choice);
    feed.response_format(response_format);
    feed.number(u64::from(*more_choices));
    feed.number(*dialect as u64);
    feed.fields(extra, DELIVERY);
    Key(feed.end())
}

/// Fields of a request that do not change its answer.
const DELIVERY: &[&str] = &[
    "stream",
    "stream_options",
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "cache_control",
];

/// A mark for a vendor's own cache of prompts.
const MARKS: &[&str] = &["cache_control"];

/// The text of a content that is nothing else.
fn plain(content: &Content) -> Option<&str> {
    match content {
        Content::Text(text) => Some(text),
        Content::Parts(parts) => match parts.as_slice() {
            [Part::Text { text, extra }] if extra.keys().all(|name| MARKS.contains(&name.as_str())) => Some(text),
            _ => None,
        },
    }
}

/// Feeds a hash so that different things never give the same bytes: each text with its length, each choice with
/// its number.
struct Feed(Sha256);

impl Feed {
    fn new(purpose: &str) -> Self {
        let mut feed = Self(Sha256::new());
        feed.text(purpose);
        feed.number(FORM);
        feed
    }

    fn end(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.number(u64::from(text.is_some()));
        self.text(text.unwrap_or_default());
    }

    fn maybe_number(&mut self, number: Option<u64>) {
        self.number(u64::from(number.is_some()));
        self.number(number.unwrap_or_default());
    }

    fn maybe_real(&mut self, real: Option<f32>) {
        // −0 and 0 are the same temperature.
        self.maybe_number(real.map(|real| u64::from((real + 0.0).to_bits())));
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.number(0),
            Value::Bool(truth) => self.number(1 + u64::from(*truth)),
            Value::Number(number) => {
                self.number(3);
                self.text(&number.to_string());
            }
            Value::String(text) => {
                self.number(4);
                self.text(text);
            }
            Value::Array(values) => {
                self.number(5);
                self.count(values.len());
                values.iter().for_each(|value| self.value(value));
            }
            Value::Object(fields) => {
                self.number(6);
                self.fields(fields, &[]);
            }
        }
    }

    fn fields(&mut self, fields: &Fields, without: &[&str]) {
        let mut fields: Vec<_> = fields.iter().filter(|(name, _)| !without.contains(&name.as_str())).collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        self.count(fields.len());
        for (name, value) in fields {
            self.text(name);
            self.value(value);
        }
    }

    fn message(&mut self, message: &Message, without_text: bool) {
        let Message { role, content, tool_calls, tool_call_id, extra } = message;
        self.text(role.as_str());
        match without_text {
            true => self.number(9),
            false => self.content(content),
        }
        self.count(tool_calls.len());
        for ToolCall { id, name, arguments, extra } in tool_calls {
            self.text(id);
            self.text(name);
            self.text(arguments);
            self.fields(extra, MARKS);
        }
        self.maybe(tool_call_id.as_deref());
        self.fields(extra, MARKS);
    }

    fn content(&mut self, content: &Content) {
        if let Some(text) = plain(content) {
            self.number(0);
            return self.text(text);
        }
        let Content::Parts(parts) = content else { return };
        self.number(1);
        self.count(parts.len());
        for part in parts {
            match part {
                Part::Text { text, extra } => {
                    self.number(0);
                    self.text(text);
                    self.fields(extra, MARKS);
                }
                Part::Image { url, extra } => {
                    self.number(1);
                    self.text(url);
                    self.fields(extra, MARKS);
                }
                Part::Other { value } => {
                    self.number(2);
                    self.fields(value, MARKS);
                }
            }
        }
    }

    fn sampling(&mut self, sampling: &Sampling) {
        let Sampling {
            temperature,
            top_p,
            top_k,
            min_p,
            frequency_penalty,
            presence_penalty,
            repeat_penalty,
            seed,
            max_tokens,
            stop,
        } = sampling;
        for real in [temperature, top_p, min_p, frequency_penalty, presence_penalty, repeat_penalty] {
            self.maybe_real(*real);
        }
        self.maybe_number(top_k.map(u64::from));
        self.maybe_number(*seed);
        self.maybe_number(max_tokens.map(u64::from));
        self.count(stop.len());
        stop.iter().for_each(|text| self.text(text));
    }

    fn tool_choice(&mut self, choice: &ToolChoice) {
        match choice {
            ToolChoice::Auto => self.number(0),
            ToolChoice::None => self.number(1),
            ToolChoice::Required => self.number(2),
            ToolChoice::Function(name) => {
                self.number(3);
                self.text(name);
            }
        }
    }

    fn response_format(&mut self, format: &ResponseFormat) {
        match format {
            ResponseFormat::Text => self.number(0),
            ResponseFormat::JsonObject => self.number(1),
            ResponseFormat::JsonSchema { schema, extra } => {
                self.number(2);
                self.value(schema);
                self.fields(extra, &[]);
            }
        }
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
