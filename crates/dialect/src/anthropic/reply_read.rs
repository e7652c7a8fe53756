//! Anthropic's answer, whole or as a stream of typed events, read into our own events.
//!
//! It does not know server-sent events' framing or HTTP. Blocks that have no counterpart are told as
//! `Extra` under `content_blocks`. Thinking is told as reasoning while it comes, and once more, whole and with its
//! signature, under `thinking_blocks` at the block's end: Anthropic wants it back unchanged with the next turn.

use crate::lenient::{Count, Word};
use crate::vendor_error::{AnswerFault, VendorError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use yizhan_domain::{Fields, FinishReason, ToolCallPiece, Usage};
use yizhan_model::ChatEvent;

/// Most bytes of a block that is kept until it ends. Anthropic's longest answer is far below.
const MOST_BLOCK_BYTES: usize = 4 << 20;

/// Reads one answer.
#[derive(Clone, Debug, Default)]
pub struct MessageReader {
    usage: Option<RawUsage>,
    /// The block that is on its way.
    block: Block,
    /// Tool calls begun.
    calls: u32,
    begun: bool,
    finished: bool,
}

/// What the block on its way is.
#[derive(Clone, Debug, Default)]
enum Block {
    #[default]
    None,
    Text,
    /// The number of the call; has a piece of its arguments come?
    Call(u32, bool),
    Thinking {
        text: String,
        signature: String,
    },
    /// Any other: as it began, with the JSON text that its deltas brought.
    Other {
        value: Fields,
        input: String,
    },
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct RawUsage {
    input_tokens: Count,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Count,
}

impl RawUsage {
    /// Later counts replace earlier ones.
    fn update(&mut self, later: RawUsage) {
        let newer = |old: &mut Count, new: Count| {
            if new.0.is_some() {
                *old = new;
            }
        };
        newer(&mut self.input_tokens, later.input_tokens);
        newer(&mut self.output_tokens, later.output_tokens);
        newer(&mut self.cache_read_input_tokens, later.cache_read_input_tokens);
        newer(&mut self.cache_creation_input_tokens, later.cache_creation_input_tokens);
        self.output_tokens_details = later.output_tokens_details.or(self.output_tokens_details);
    }

    /// Anthropic counts cached tokens apart; ours are part of the prompt.
    fn usage(self) -> Usage {
        let count = |count: Count| count.0.unwrap_or(0);
        let (read, written) = (count(self.cache_read_input_tokens), count(self.cache_creation_input_tokens));
        Usage {
            prompt_tokens: count(self.input_tokens).saturating_add(read).saturating_add(written),
            completion_tokens: count(self.output_tokens),
            cached_tokens: read,
            cache_write_tokens: written,
            reasoning_tokens: count(self.output_tokens_details.unwrap_or_default().thinking_tokens),
        }
    }
}

/// By far the most common event, read without a tree.
#[derive(Deserialize)]
struct FastDelta<'a> {
    #[serde(borrow, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow)]
    delta: TextDelta<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextDelta<'a> {
    #[serde(borrow, rename = "type")]
    kind: Word<'a>,
    text: String,
}

impl MessageReader {
    /// Reads the data of one event of a stream. True: it was the last.
    pub fn chunk(&mut self, data: &[u8], events: &mut VecDeque<ChatEvent>) -> Result<bool, AnswerFault> {
        if let Ok(fast) = serde_json::from_slice::<FastDelta<'_>>(data)
            && &*fast.kind == "content_block_delta"
            && &*fast.delta.kind == "text_delta"
        {
            self.begun = true;
            push_text(fast.delta.text, events);
            return Ok(false);
        }
        let Value::Object(mut event) = serde_json::from_slice(data)? else {
            return Err(AnswerFault::Malformed("an event is not an object".to_owned()));
        };
        match text(&event, "type") {
            "message_start" => self.start_message(event.shift_remove("message"), events),
            "content_block_start" => self.start_block(event.shift_remove("content_block"), events)?,
            "content_block_delta" => self.delta(event.shift_remove("delta"), events)?,
            "content_block_stop" => self.stop_block(events),
            "message_delta" => {
                self.take_usage(event.shift_remove("usage"));
                if let Some(Value::Object(delta)) = event.shift_remove("delta") {
                    self.finish(&delta, events);
                }
            }
            "message_stop" => {
                self.end()?;
                return Ok(true);
            }
            "error" => return Err(AnswerFault::Vendor(VendorError::read(data).unwrap_or_default())),
            // Anthropic may add events; clients are to pass them over. `ping` is one.
            _ => {}
        }
        Ok(false)
    }

    /// Reads a whole answer.
    pub fn reply(&mut self, body: &[u8], events: &mut VecDeque<ChatEvent>) -> Result<(), AnswerFault> {
        let Value::Object(mut message) = serde_json::from_slice(body)? else {
            return Err(AnswerFault::Malformed("the body is not an object".to_owned()));
        };
        let Some(Value::Array(blocks)) = message.shift_remove("content") else {
            let fault = || AnswerFault::Malformed("it has no 'content'".to_owned());
            return Err(VendorError::read(body).map_or_else(fault, AnswerFault::Vendor));
        };
        self.take_usage(message.shift_remove("usage"));
        self.begun = true;
        for block in blocks {
            self.start_block(Some(block), events)?;
            self.stop_block(events);
        }
        self.finish(&message, events);
        self.tell_beside(message, events);
        self.end()
    }

    /// The stream's end: an error when the answer was not whole.
    pub fn end(&mut self) -> Result<(), AnswerFault> {
        if self.finished {
            return Ok(());
        }
        let what = if self.begun { "in the middle of the answer" } else { "before it began" };
        Err(AnswerFault::Malformed(format!("the stream ended {what}")))
    }

    /// What the answer took, where the vendor said so.
    pub fn usage(&self) -> Option<Usage> {
        self.usage.map(RawUsage::usage)
    }

    fn take_usage(&mut self, usage: Option<Value>) {
        let usage = usage.and_then(|usage| RawUsage::deserialize(usage).ok());
        if let Some(later) = usage {
            self.usage.get_or_insert_default().update(later);
        }
    }

    fn start_message(&mut self, message: Option<Value>, events: &mut VecDeque<ChatEvent>) {
        self.begun = true;
        if let Some(Value::Object(mut message)) = message {
            self.take_usage(message.shift_remove("usage"));
            message.shift_remove("content");
            self.tell_beside(message, events);
        }
    }

    /// Fields that are neither read nor true of the connection only.
    fn tell_beside(&self, mut message: Fields, events: &mut VecDeque<ChatEvent>) {
        for known in ["id", "type", "role", "model", "stop_reason", "stop_sequence", "stop_details"] {
            message.shift_remove(known);
        }
        message.retain(|_, value| !value.is_null());
        if !message.is_empty() {
            events.push_back(ChatEvent::Extra { choice: None, fields: message });
        }
    }

    fn start_block(&mut self, block: Option<Value>, events: &mut VecDeque<ChatEvent>) -> Result<(), AnswerFault> {
        self.begun = true;
        let Some(Value::Object(mut block)) = block else {
            return Err(AnswerFault::Malformed("a content block is not an object".to_owned()));
        };
        self.block = match text(&block, "type") {
            "text" => {
                push_text(take_text(&mut block, "text"), events);
                push_extra("citations", block.shift_remove("citations"), events);
                Block::Text
            }
            "tool_use" => self.start_call(block, events),
            "thinking" => {
                let text = take_text(&mut block, "thinking");
                push_reasoning(&text, events);
                Block::Thinking { text, signature: take_text(&mut block, "signature") }
            }
            _ => Block::Other { value: block, input: String::new() },
        };
        Ok(())
    }

    fn start_call(&mut self, mut block: Fields, events: &mut VecDeque<ChatEvent>) -> Block {
        let index = self.calls;
        self.calls += 1;
        let id = Some(take_text(&mut block, "id"));
        let name = Some(take_text(&mut block, "name"));
        block.shift_remove("type");
        // A whole reply has the input here; in a stream it is empty, and comes in pieces.
        let input = block.shift_remove("input");
        let is_whole = input.as_ref().and_then(Value::as_object).is_some_and(|input| !input.is_empty());
        let arguments = input.filter(|_| is_whole).map(|input| input.to_string()).unwrap_or_default();
        let piece = ToolCallPiece { index, id, name, arguments, extra: block };
        events.push_back(ChatEvent::ToolCall { choice: 0, piece });
        Block::Call(index, is_whole)
    }

    fn delta(&mut self, delta: Option<Value>, events: &mut VecDeque<ChatEvent>) -> Result<(), AnswerFault> {
        let Some(Value::Object(mut delta)) = delta else {
            return Err(AnswerFault::Malformed("a delta is not an object".to_owned()));
        };
        match (text(&delta, "type"), &mut self.block) {
            ("text_delta", _) => push_text(take_text(&mut delta, "text"), events),
            ("input_json_delta", Block::Call(index, has_input)) => {
                let arguments = take_text(&mut delta, "partial_json");
                if !arguments.is_empty() {
                    *has_input = true;
                    let piece = ToolCallPiece { index: *index, arguments, ..ToolCallPiece::default() };
                    events.push_back(ChatEvent::ToolCall { choice: 0, piece });
                }
            }
            ("input_json_delta", Block::Other { input, .. }) => grow(input, &take_text(&mut delta, "partial_json"))?,
            ("thinking_delta", block) => {
                let more = take_text(&mut delta, "thinking");
                push_reasoning(&more, events);
                if let Block::Thinking { text, .. } = block {
                    grow(text, &more)?;
                }
            }
            ("signature_delta", Block::Thinking { signature, .. }) => {
                grow(signature, &take_text(&mut delta, "signature"))?;
            }
            ("citations_delta", _) => {
                let citation = delta.shift_remove("citation").map(|citation| json!([citation]));
                push_extra("citations", citation, events);
            }
            _ => {}
        }
        Ok(())
    }

    fn stop_block(&mut self, events: &mut VecDeque<ChatEvent>) {
        match std::mem::take(&mut self.block) {
            // A call without arguments has the text of an empty object, as OpenAI's have.
            Block::Call(index, false) => {
                let piece = ToolCallPiece { index, arguments: "{}".to_owned(), ..ToolCallPiece::default() };
                events.push_back(ChatEvent::ToolCall { choice: 0, piece });
            }
            Block::Thinking { text, signature } => {
                let block = json!({"type": "thinking", "thinking": text, "signature": signature});
                push_extra("thinking_blocks", Some(json!([block])), events);
            }
            Block::Other { mut value, input } => {
                if let Ok(input) = serde_json::from_str::<Value>(&input) {
                    value.insert("input".to_owned(), input);
                }
                let kind = text(&value, "type");
                let place = if kind == "redacted_thinking" { "thinking_blocks" } else { "content_blocks" };
                push_extra(place, Some(json!([value])), events);
            }
            Block::None | Block::Text | Block::Call(_, true) => {}
        }
    }

    fn finish(&mut self, delta: &Fields, events: &mut VecDeque<ChatEvent>) {
        let word = text(delta, "stop_reason");
        if word.is_empty() || self.finished {
            return;
        }
        let (reason, own) = finish_reason(word);
        let mut extra = Fields::new();
        if own {
            extra.insert("native_finish_reason".to_owned(), json!(word));
        }
        for key in ["stop_sequence", "stop_details"] {
            if let Some(value) = delta.get(key).filter(|value| !value.is_null()) {
                extra.insert(key.to_owned(), value.clone());
            }
        }
        if !extra.is_empty() {
            events.push_back(ChatEvent::Extra { choice: Some(0), fields: extra });
        }
        self.finished = true;
        events.push_back(ChatEvent::finish(reason));
    }
}

/// Ours, and whether theirs says more.
fn finish_reason(word: &str) -> (FinishReason, bool) {
    match word {
        "end_turn" => (FinishReason::Stop, false),
        "max_tokens" => (FinishReason::Length, false),
        "model_context_window_exceeded" => (FinishReason::Length, true),
        "tool_use" => (FinishReason::ToolCalls, false),
        "refusal" => (FinishReason::ContentFilter, true),
        // `stop_sequence`, `pause_turn`, and what may come.
        _ => (FinishReason::Stop, true),
    }
}

fn grow(text: &mut String, more: &str) -> Result<(), AnswerFault> {
    if text.len() + more.len() > MOST_BLOCK_BYTES {
        return Err(AnswerFault::Malformed(format!("a content block is longer than {MOST_BLOCK_BYTES} bytes")));
    }
    text.push_str(more);
    Ok(())
}

fn text<'a>(fields: &'a Fields, key: &str) -> &'a str {
    fields.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn take_text(fields: &mut Fields, key: &str) -> String {
    match fields.shift_remove(key) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    }
}

fn push_text(delta: String, events: &mut VecDeque<ChatEvent>) {
    if !delta.is_empty() {
        events.push_back(ChatEvent::Text { choice: 0, delta });
    }
}

fn push_reasoning(delta: &str, events: &mut VecDeque<ChatEvent>) {
    if !delta.is_empty() {
        events.push_back(ChatEvent::reasoning(delta));
    }
}

fn push_extra(key: &str, value: Option<Value>, events: &mut VecDeque<ChatEvent>) {
    if let Some(value) = value.filter(|value| !value.is_null()) {
        events.push_back(ChatEvent::Extra { choice: Some(0), fields: Fields::from_iter([(key.to_owned(), value)]) });
    }
}

#[cfg(test)]
#[path = "reply_read_tests.rs"]
mod tests;
