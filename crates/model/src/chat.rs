//! Chat models: a request in, a stream of events out.
//!
//! It does not know how a prompt is rendered or sampled.

use async_trait::async_trait;
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use std::pin::Pin;
use yizhan_domain::{FinishReason, Message, ModelName, Result, ToolCall, Usage};

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
    /// JSON that fits this schema.
    JsonSchema(serde_json::Value),
}

/// What a chat model is asked.
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
    /// The answer's shape.
    #[serde(default)]
    pub response_format: ResponseFormat,
}

/// One event of an answer. A stream is any number of deltas, then exactly one `Finish`; or it
/// ends with an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ChatEvent {
    /// More of the answer's text; never cuts a character.
    Text {
        /// The piece.
        delta: String,
    },
    /// More of the model's reasoning, where it marks it.
    Reasoning {
        /// The piece.
        delta: String,
    },
    /// A complete tool call.
    ToolCall {
        /// The call.
        call: ToolCall,
    },
    /// The end.
    Finish {
        /// Why.
        reason: FinishReason,
        /// What it took.
        usage: Usage,
    },
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
    async fn generate(&self, request: ChatRequest) -> Result<EventStream>;

    /// The tokens of the rendered prompt, counted as the model does.
    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32>;
}
