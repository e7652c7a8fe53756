//! The whole reply of `/v1/responses`, written from an answer's events.
//!
//! It does not know where the answer comes from.

use super::echo::Echo;
use super::item_write::{Frame, State, item_id, write_item, write_response};
use crate::blocks::{Block, Blocks, Step};
use serde_json::Value;
use yizhan_domain::Fields;
use yizhan_model::ChatEvent;

/// A whole answer: what a stream's events add up to.
#[derive(Clone, Debug, Default)]
pub struct ResponseReply {
    blocks: Blocks,
    items: Vec<Item>,
    logprobs: Vec<Value>,
    state: State,
}

#[derive(Clone, Debug)]
struct Item {
    block: Block,
    status: &'static str,
    logprobs: Vec<Value>,
}

impl ResponseReply {
    /// Adds an event.
    pub fn take(&mut self, event: ChatEvent) {
        if let ChatEvent::Finish { choice: 0, reason, .. } = event {
            self.state.reason = Some(reason);
        }
        for step in self.blocks.take(event) {
            match step {
                Step::Close(block) => {
                    let logprobs = logprobs_of(&block, &mut self.logprobs);
                    self.items.push(Item { block, status: self.state.item_status(), logprobs });
                }
                Step::Extra(mut fields) => {
                    self.logprobs.extend(take_logprobs(&mut fields));
                    self.state.note(fields);
                }
                Step::Finish(_, citations) => self.state.citations = citations,
                Step::End(usage) => self.state.usage = Some(usage),
                Step::Open(_) | Step::More(_) | Step::Seal(_) | Step::Cite(_) | Step::CiteForeign(_) => {}
            }
        }
    }

    /// Has the last event been taken?
    pub fn is_whole(&self) -> bool {
        self.state.usage.is_some()
    }

    /// The reply's body. `id` begins with `resp_`; `created` is in seconds since 1970.
    pub fn write(&self, id: &str, created: i64, model: &str, echo: &Echo) -> Value {
        let frame = Frame { id: id.to_owned(), created, model: model.to_owned(), echo: echo.clone() };
        let summary = echo.wants_summary();
        let mut state = self.state.clone();
        for Item { block, status, logprobs } in &self.items {
            if let Some(id) = item_id(id, &block.kind, state.output.len()) {
                state.output.push(write_item(&id, block, status, summary, logprobs.clone()));
            }
        }
        write_response(&frame, &state)
    }
}

/// Chat's `logprobs` of a delta, whose form the Responses' is as well.
pub(super) fn take_logprobs(fields: &mut Fields) -> Vec<Value> {
    match fields.shift_remove("logprobs") {
        Some(Value::Object(mut logprobs)) => match logprobs.shift_remove("content") {
            Some(Value::Array(content)) => content,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Those that were heard since the last text belong to this one.
pub(super) fn logprobs_of(block: &Block, heard: &mut Vec<Value>) -> Vec<Value> {
    if block.kind == crate::blocks::Kind::Text { std::mem::take(heard) } else { Vec::new() }
}

#[cfg(test)]
#[path = "reply_write_tests.rs"]
mod tests;
