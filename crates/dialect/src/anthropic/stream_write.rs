//! The streamed reply of `/v1/messages`, written from an answer's events.
//!
//! It does not know server-sent events' framing, nor when a `ping` is due.

use super::block_write::{signature, write_citation, write_head, write_usage};
use super::reply_write::End;
use crate::blocks::{Blocks, Kind, Step};
use crate::stream::NamedEvent;
use serde::Serialize;
use serde_json::{Value, json};
use yizhan_domain::{TokenCount, Usage};
use yizhan_model::ChatEvent;

/// Writes the events of one streamed answer.
#[derive(Clone, Debug)]
pub struct MessageWriter {
    id: String,
    model: String,
    prompt_tokens: TokenCount,
    blocks: Blocks,
    /// The open block's index, or the next one's.
    index: u32,
    /// Is the open block a call or reasoning? Its pieces have other names than a text's.
    delta: DeltaKind,
    end: End,
}

#[derive(Clone, Copy, Debug, Default)]
enum DeltaKind {
    #[default]
    Text,
    Thinking,
    Json,
}

#[derive(Serialize)]
struct BlockDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
    delta: Delta<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "input_json_delta")]
    Json { partial_json: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "citations_delta")]
    Citation { citation: Value },
}

impl MessageWriter {
    /// For the answer with this id, which begins with `msg_`. `prompt_tokens` is what is known of them at the
    /// start, 0 if nothing is; the true number comes with the end.
    pub fn new(id: impl Into<String>, model: impl Into<String>, prompt_tokens: TokenCount) -> Self {
        let (blocks, end) = (Blocks::default(), End::default());
        Self { id: id.into(), model: model.into(), prompt_tokens, blocks, index: 0, delta: DeltaKind::Text, end }
    }

    /// The first event: who speaks.
    pub fn start(&self) -> NamedEvent {
        let usage = Usage { prompt_tokens: self.prompt_tokens, ..Usage::default() };
        let message = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": write_usage(&usage),
        });
        NamedEvent::new("message_start", &json!({"type": "message_start", "message": message}))
    }

    /// A sign of life, for anywhere behind the first event.
    pub fn ping() -> NamedEvent {
        NamedEvent::new("ping", &json!({"type": "ping"}))
    }

    /// The events for one of the model's; often none or one.
    pub fn write(&mut self, event: ChatEvent) -> Vec<NamedEvent> {
        let steps = self.blocks.take(event);
        let mut events = Vec::with_capacity(steps.len());
        steps.into_iter().for_each(|step| self.step(step, &mut events));
        events
    }

    fn step(&mut self, step: Step, events: &mut Vec<NamedEvent>) {
        match step {
            Step::Open(kind) => {
                self.delta = match kind {
                    Kind::Reasoning => DeltaKind::Thinking,
                    Kind::Call { .. } => DeltaKind::Json,
                    Kind::Text | Kind::Refusal | Kind::Opaque(_) => DeltaKind::Text,
                };
                let start =
                    json!({"type": "content_block_start", "index": self.index, "content_block": write_head(&kind)});
                events.push(NamedEvent::new("content_block_start", &start));
            }
            Step::More(text) => events.push(self.block_delta(match self.delta {
                DeltaKind::Text => Delta::Text { text: &text },
                DeltaKind::Thinking => Delta::Thinking { thinking: &text },
                DeltaKind::Json => Delta::Json { partial_json: &text },
            })),
            Step::Seal(seal) => {
                events.push(self.block_delta(Delta::Signature { signature: signature(Some(&seal)) }));
            }
            Step::Cite(citations) => {
                let deltas = citations.iter().map(|citation| Delta::Citation { citation: write_citation(citation) });
                events.extend(deltas.map(|delta| self.block_delta(delta)));
            }
            Step::CiteForeign(citations) => {
                let deltas = citations.into_iter().map(|citation| Delta::Citation { citation });
                events.extend(deltas.map(|delta| self.block_delta(delta)));
            }
            Step::Close(block) => {
                self.end.see(&block);
                let stop = json!({"type": "content_block_stop", "index": self.index});
                events.push(NamedEvent::new("content_block_stop", &stop));
                self.index += 1;
            }
            Step::Extra(fields) => self.end.extra.extend(fields),
            Step::Finish(reason, citations) => self.end.finish(reason, citations),
            Step::End(usage) => {
                let delta = json!({"type": "message_delta", "delta": self.end.write(), "usage": write_usage(&usage)});
                events.push(NamedEvent::new("message_delta", &delta));
                events.push(NamedEvent::new("message_stop", &json!({"type": "message_stop"})));
            }
        }
    }

    fn block_delta(&self, delta: Delta<'_>) -> NamedEvent {
        let kind = "content_block_delta";
        NamedEvent::new(kind, &BlockDelta { kind, index: self.index, delta })
    }
}
