//! Chat models: a request in, a stream of events out.
//!
//! It does not know how a prompt is rendered or sampled.

use async_trait::async_trait;
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use std::pin::Pin;
use yizhan_domain::{Citation, Fields, FinishReason, Message, ModelName, Result, ToolCallPiece, Usage};

/// How the next token is chosen. `None` means the model's own default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: Option<f32>,
    /// Nucleus, 0–1.
    pub top_p: Option<f32>,
    /// The k most likely only; 0 is off.
    pub top_k: Option<u32>,
    /// Relative floor, 0–1.
    pub min_p: Option<f32>,
    /// −2–2, by how often a token occurred.
    pub frequency_penalty: Option<f32>,
    /// −2–2, for having occurred at all.
    pub presence_penalty: Option<f32>,
    /// llama.cpp's multiplicative penalty; 1 is off.
    pub repeat_penalty: Option<f32>,
    /// Same seed, same prompt, same model: same answer.
    pub seed: Option<u64>,
    /// Most tokens to generate; `None`: up to the context's end.
    pub max_tokens: Option<u32>,
    /// Texts at which to stop; they are not part of the answer.
    #[serde(default)]
    pub stop: Vec<String>,
}

/// What shape the answer must have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Any text.
    #[default]
    Text,
    /// One JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// The schema.
        schema: serde_json::Value,
        /// What stands beside it (`name`, `strict`).
        #[serde(default)]
        extra: Fields,
    },
}

/// Which tools the model may call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// It decides.
    #[default]
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// The one of this name.
    Function(String),
}

/// Whose words stand in the `extra` fields of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI's chat completions.
    #[default]
    OpenAi,
    /// Anthropic's Messages.
    Anthropic,
}

/// What a chat model is asked. A model that cannot honour a part of it says so: `InvalidRequest`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// How to sample.
    #[serde(default)]
    pub sampling: Sampling,
    /// Tools as OpenAI describes them (`{"type":"function","function":{…}}`), passed to the template.
    #[serde(default)]
    pub tools: Vec<serde_json::Value>,
    /// Which of them may be called.
    #[serde(default)]
    pub tool_choice: ToolChoice,
    /// The answer's shape.
    #[serde(default)]
    pub response_format: ResponseFormat,
    /// How many answers beside the first; nearly always 0.
    #[serde(default)]
    pub more_choices: u32,
    /// Will the caller read the answer as it comes? Only a hint for remote models, which may then
    /// answer in one piece.
    #[serde(default)]
    pub streamed: bool,
    /// Fields that nobody here reads, as they came; passed on to remote models.
    #[serde(default)]
    pub extra: Fields,
    /// Whose words those fields are.
    #[serde(default)]
    pub dialect: Dialect,
}

/// One event of an answer, on its whole way from the model to the wire. A stream is any number of
/// pieces, a `Finish` for each choice, then exactly one `End`; or it ends with an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ChatEvent {
    /// More of an answer's text; never cuts a character.
    Text {
        /// Which of the answers, from 0.
        #[serde(default)]
        choice: u32,
        /// The piece.
        delta: String,
    },
    /// More of the model's reasoning, where it marks it.
    Reasoning {
        /// Which of the answers, from 0.
        #[serde(default)]
        choice: u32,
        /// The piece.
        delta: String,
    },
    /// More of a tool call.
    ToolCall {
        /// Which of the answers, from 0.
        #[serde(default)]
        choice: u32,
        /// The piece.
        piece: ToolCallPiece,
    },
    /// Fields that nobody here reads, in OpenAI's form.
    Extra {
        /// The answer whose `delta` or `message` they stand in; none: those beside `choices`.
        #[serde(default)]
        choice: Option<u32>,
        /// The fields.
        fields: Fields,
    },
    /// The end of one of the answers.
    Finish {
        /// Which of the answers, from 0.
        #[serde(default)]
        choice: u32,
        /// Why.
        reason: FinishReason,
        /// What it rests on, in the order of their numbers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        citations: Vec<Citation>,
    },
    /// The end of all.
    End {
        /// What it took.
        usage: Usage,
    },
}

impl ChatEvent {
    /// A piece of the first answer's text.
    pub fn text(delta: impl Into<String>) -> Self {
        ChatEvent::Text { choice: 0, delta: delta.into() }
    }

    /// A piece of the first answer's reasoning.
    pub fn reasoning(delta: impl Into<String>) -> Self {
        ChatEvent::Reasoning { choice: 0, delta: delta.into() }
    }

    /// The end of the first answer, without citations.
    pub fn finish(reason: FinishReason) -> Self {
        ChatEvent::Finish { choice: 0, reason, citations: Vec::new() }
    }
}

/// The answer as it comes. Dropping it cancels the generation.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<ChatEvent>> + Send>>;

/// A model that answers conversations.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// Its name.
    fn name(&self) -> &ModelName;

    /// Prompt and answer together may have this many tokens.
    fn context_length(&self) -> u32;

    /// Begins an answer. Errors before the first token come from this call:
    /// `ContextLengthExceeded`, `ModelUnavailable`, `Overloaded`, `WorkerFailed`.
    async fn generate(&self, request: &ChatRequest) -> Result<EventStream>;

    /// The tokens of the rendered prompt, counted as the model does.
    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32>;
}
