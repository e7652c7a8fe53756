//! The whole reply of `/v1/messages`, written from an answer's events.
//!
//! It does not know where the answer comes from.

use super::block_write::{write_block, write_citation, write_usage};
use crate::blocks::{Block, Blocks, Kind, Step};
use serde_json::{Value, json};
use yizhan_domain::{Citation, Fields, FinishReason, Usage};
use yizhan_model::ChatEvent;

/// Fields of an answer that Anthropic's providers give and its clients read, beside the stop reason; and our own, which
/// says why an answer was ended and where it is held.
const END_FIELDS: [&str; 4] = ["stop_sequence", "stop_details", "container", "yizhan"];

/// A whole answer: what a stream's events add up to.
#[derive(Clone, Debug, Default)]
pub struct MessageReply {
    blocks: Blocks,
    content: Vec<Value>,
    end: End,
    usage: Option<Usage>,
}

/// How an answer ended.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    reason: Option<FinishReason>,
    /// Has a tool been called?
    calls: bool,
    /// Citations that no text could take.
    citations: Vec<Citation>,
    pub(super) extra: Fields,
}

impl MessageReply {
    /// Adds an event.
    pub fn take(&mut self, event: ChatEvent) {
        for step in self.blocks.take(event) {
            match step {
                Step::Close(block) => {
                    self.end.see(&block);
                    self.content.push(write_block(&block));
                }
                Step::End(usage) => self.usage = Some(usage),
                Step::Extra(fields) => self.end.extra.extend(fields),
                Step::Finish(reason, citations) => self.end.finish(reason, citations),
                Step::Open(_) | Step::More(_) | Step::Seal(_) | Step::Cite(_) | Step::CiteForeign(_) => {}
            }
        }
    }

    /// Has the last event been taken?
    pub fn is_whole(&self) -> bool {
        self.usage.is_some()
    }

    /// The reply's body. `id` begins with `msg_`.
    pub fn write(&self, id: &str, model: &str) -> Value {
        let mut body = json!({
            "id": id,
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": self.content,
        });
        if let Value::Object(fields) = &mut body {
            fields.extend(self.end.write());
        }
        body["usage"] = write_usage(&self.usage.unwrap_or_default());
        body
    }
}

impl End {
    pub(super) fn see(&mut self, block: &Block) {
        self.calls |= matches!(block.kind, Kind::Call { .. });
    }

    pub(super) fn finish(&mut self, reason: FinishReason, citations: Vec<Citation>) {
        self.reason = Some(reason);
        self.citations = citations;
    }

    /// The fields of a `message_delta`, which stand in a whole message too.
    pub(super) fn write(&self) -> Fields {
        let reason = self.stop_reason();
        let mut fields = Fields::from_iter([("stop_reason".to_owned(), json!(reason))]);
        for key in END_FIELDS {
            let value = self.extra.get(key).filter(|value| value.is_object() || value.is_string());
            if let Some(value) = value {
                fields.insert(key.to_owned(), value.clone());
            }
        }
        fields.entry("stop_sequence").or_insert(Value::Null);
        if !self.citations.is_empty() {
            fields.insert("citations".to_owned(), self.citations.iter().map(write_citation).collect());
        }
        fields
    }

    fn stop_reason(&self) -> &str {
        let reason = self.reason.unwrap_or(FinishReason::Stop);
        // The provider's own word is finer, as long as nobody on the way ended the answer for another reason.
        let own = self.extra.get("native_finish_reason").and_then(Value::as_str);
        match (reason, own) {
            (FinishReason::Stop, Some(own @ ("end_turn" | "stop_sequence" | "pause_turn"))) => own,
            (FinishReason::Length, Some(own @ ("max_tokens" | "model_context_window_exceeded"))) => own,
            (FinishReason::Stop, _) if self.extra.get("stop_sequence").is_some_and(Value::is_string) => "stop_sequence",
            // Some vendors say 'stop' after calls; clients run the tools only if told so.
            (FinishReason::Stop, _) if self.calls => "tool_use",
            (FinishReason::Stop, _) => "end_turn",
            (FinishReason::Length, _) => "max_tokens",
            (FinishReason::ToolCalls, _) => "tool_use",
            (FinishReason::ContentFilter, _) => "refusal",
        }
    }
}

#[cfg(test)]
#[path = "reply_write_tests.rs"]
mod tests;
