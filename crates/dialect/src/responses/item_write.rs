//! The items, the usage and the frame of a response.
//!
//! It does not know whether the response is streamed.

use super::echo::Echo;
use crate::blocks::{Block, Kind};
use crate::openai::annotations;
use crate::shown::shown;
use serde_json::{Value, json};
use yizhan_domain::{Citation, Error, ErrorCode, Fields, FinishReason, Usage};

/// What marks sealed reasoning as ours.
const SEAL: &str = "yizhan:";

/// What is true of a response from its beginning.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) id: String,
    pub(super) created: i64,
    pub(super) model: String,
    pub(super) echo: Echo,
}

/// How a response stands.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) output: Vec<Value>,
    pub(super) reason: Option<FinishReason>,
    pub(super) usage: Option<Usage>,
    pub(super) failure: Option<Error>,
    /// Citations that no text could take.
    pub(super) citations: Vec<Citation>,
    /// The tier that the provider says it served.
    pub(super) tier: Option<Value>,
    /// Why the answer was ended here, and where it is held.
    pub(super) ours: Option<Value>,
}

impl State {
    /// Fields beside the answer of which two have a place.
    pub(super) fn note(&mut self, mut fields: Fields) {
        self.ours = fields.shift_remove("yizhan").filter(Value::is_object).or(self.ours.take());
        self.tier = fields.shift_remove("service_tier").filter(Value::is_string).or(self.tier.take());
    }

    fn incomplete(&self) -> Option<&'static str> {
        match self.reason {
            Some(FinishReason::Length) => Some("max_output_tokens"),
            Some(FinishReason::ContentFilter) => Some("content_filter"),
            Some(FinishReason::Stop | FinishReason::ToolCalls) | None => None,
        }
    }

    /// The status of an item that ends now.
    pub(super) fn item_status(&self) -> &'static str {
        if self.incomplete().is_some() { "incomplete" } else { "completed" }
    }

    pub(super) fn status(&self) -> &'static str {
        match (self.failure.is_some(), self.usage.is_some()) {
            (true, _) => "failed",
            (false, false) => "in_progress",
            (false, true) => self.item_status(),
        }
    }
}

/// The response object.
pub(super) fn write_response(frame: &Frame, state: &State) -> Value {
    let ended = state.usage.is_some() || state.failure.is_some();
    let incomplete = state.incomplete().filter(|_| ended && state.failure.is_none());
    let mut body = json!({
        "id": frame.id,
        "object": "response",
        "created_at": frame.created,
        "status": state.status(),
        "background": false,
        "error": state.failure.as_ref().map(write_failure),
        "incomplete_details": incomplete.map(|reason| json!({"reason": reason})),
        "model": frame.model,
        "output": state.output,
        "previous_response_id": null,
        "store": false,
        "truncation": "disabled",
        "usage": state.usage.map(|usage| write_usage(&usage)),
    });
    if let Value::Object(fields) = &mut body {
        fields.extend(frame.echo.fields().iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    if let Some(ours) = &state.ours {
        body["yizhan"] = ours.clone();
    }
    if let Some(tier) = &state.tier {
        body["service_tier"] = tier.clone();
    }
    if !state.citations.is_empty() {
        body["citations"] = Value::Array(annotations(&state.citations));
    }
    body
}

/// OpenAI's clients know a closed list of codes; ours stands beside.
fn write_failure(error: &Error) -> Value {
    let code = match error.code() {
        ErrorCode::RateLimited | ErrorCode::BudgetExceeded => "rate_limit_exceeded",
        ErrorCode::InvalidRequest | ErrorCode::ContextLengthExceeded | ErrorCode::ContentBlocked => "invalid_prompt",
        _ => "server_error",
    };
    json!({"code": code, "message": shown(error.message()), "type": error.code().kind(), "reason": error.code().as_str()})
}

fn write_usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens(),
    })
}

/// An item's id, made of the response's: the same in the stream and in the whole. None: the block has no form here.
pub(super) fn item_id(response: &str, kind: &Kind, index: usize) -> Option<String> {
    let kind = match kind {
        Kind::Text | Kind::Refusal => "msg",
        Kind::Reasoning => "rs",
        Kind::Call { .. } => "fc",
        Kind::Opaque(value) if value["type"] == "redacted_thinking" => "rs",
        Kind::Opaque(_) => return None,
    };
    let response = response.strip_prefix("resp_").unwrap_or(response);
    Some(format!("{kind}_{response}_{index}"))
}

/// A block as an item.
pub(super) fn write_item(id: &str, block: &Block, status: &str, summary: bool, logprobs: Vec<Value>) -> Value {
    let text = &block.text;
    match &block.kind {
        Kind::Text | Kind::Refusal => {
            let part = write_part(block, logprobs);
            json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": [part]})
        }
        Kind::Call { id: call, name, .. } => json!({
            "id": id, "type": "function_call", "status": status, "call_id": call, "name": name, "arguments": text,
        }),
        Kind::Reasoning | Kind::Opaque(_) => {
            let mut item = json!({"id": id, "type": "reasoning", "status": status, "summary": []});
            if !text.is_empty() && summary {
                item["summary"] = json!([{"type": "summary_text", "text": text}]);
            } else if !text.is_empty() {
                item["content"] = json!([{"type": "reasoning_text", "text": text}]);
            }
            if let Some(sealed) = sealed(block) {
                item["encrypted_content"] = json!(format!("{SEAL}{sealed}"));
            }
            item
        }
    }
}

/// An item as it begins.
pub(super) fn write_head(id: &str, kind: &Kind) -> Value {
    match kind {
        Kind::Text | Kind::Refusal => {
            json!({"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []})
        }
        Kind::Call { id: call, name, .. } => json!({
            "id": id, "type": "function_call", "status": "in_progress", "call_id": call, "name": name, "arguments": "",
        }),
        Kind::Reasoning | Kind::Opaque(_) => {
            json!({"id": id, "type": "reasoning", "status": "in_progress", "summary": []})
        }
    }
}

/// The only part of a message.
pub(super) fn write_part(block: &Block, logprobs: Vec<Value>) -> Value {
    match block.kind {
        Kind::Refusal => json!({"type": "refusal", "refusal": block.text}),
        _ => json!({
            "type": "output_text",
            "text": block.text,
            "annotations": annotations(&block.citations),
            "logprobs": logprobs,
        }),
    }
}

/// The vendor's own form of the reasoning, which it wants back with the next turn.
fn sealed(block: &Block) -> Option<Value> {
    match &block.kind {
        Kind::Opaque(value) => Some(json!([value])),
        _ => block.seal.as_ref().map(|seal| json!([seal])),
    }
}

/// The blocks that were sealed; none if the seal is not ours.
pub(super) fn unseal(text: &str) -> Vec<Value> {
    text.strip_prefix(SEAL).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}
