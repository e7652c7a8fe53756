//! The streamed reply of `/v1/responses`, written from an answer's events.
//!
//! It does not know server-sent events' framing. There is no `[DONE]` in this format.

use super::echo::Echo;
use super::item_write::{Frame, State, item_id, write_head, write_item, write_part, write_response};
use super::reply_write::{logprobs_of, take_logprobs};
use crate::blocks::{Block, Blocks, Kind, Step};
use crate::openai::annotations;
use crate::stream::NamedEvent;
use serde::Serialize;
use serde_json::{Value, json};
use yizhan_domain::Error;
use yizhan_model::ChatEvent;

/// Writes the events of one streamed answer.
#[derive(Clone, Debug)]
pub struct ResponseWriter {
    frame: Frame,
    state: State,
    blocks: Blocks,
    logprobs: Vec<Value>,
    /// The item on its way; none between items, and while a block comes that has no form here.
    open: Option<Open>,
    sequence: u64,
}

#[derive(Clone, Debug)]
struct Open {
    id: String,
    shape: Shape,
}

/// Under which names an item's text is told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Text,
    Refusal,
    Reasoning,
    Summary,
    Arguments,
    /// Nothing to tell but the whole.
    Sealed,
}

#[derive(Serialize)]
struct Delta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence_number: u64,
    item_id: &'a str,
    output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<u32>,
    delta: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[u8; 0]>,
}

impl Shape {
    fn of(kind: &Kind, summary: bool) -> Self {
        match kind {
            Kind::Text => Shape::Text,
            Kind::Refusal => Shape::Refusal,
            Kind::Reasoning if summary => Shape::Summary,
            Kind::Reasoning => Shape::Reasoning,
            Kind::Call { .. } => Shape::Arguments,
            Kind::Opaque(_) => Shape::Sealed,
        }
    }

    fn delta(self) -> &'static str {
        match self {
            Shape::Text => "response.output_text.delta",
            Shape::Refusal => "response.refusal.delta",
            Shape::Reasoning => "response.reasoning_text.delta",
            Shape::Summary => "response.reasoning_summary_text.delta",
            Shape::Arguments | Shape::Sealed => "response.function_call_arguments.delta",
        }
    }

    /// The part as it begins, where an item has parts.
    fn part(self, text: &str) -> Option<Value> {
        match self {
            Shape::Text => Some(json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})),
            Shape::Refusal => Some(json!({"type": "refusal", "refusal": text})),
            Shape::Reasoning => Some(json!({"type": "reasoning_text", "text": text})),
            Shape::Summary => Some(json!({"type": "summary_text", "text": text})),
            Shape::Arguments | Shape::Sealed => None,
        }
    }

    /// The name of the part's place, and of its first and last event.
    fn part_names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Shape::Summary => {
                ("summary_index", "response.reasoning_summary_part.added", "response.reasoning_summary_part.done")
            }
            _ => ("content_index", "response.content_part.added", "response.content_part.done"),
        }
    }
}

impl ResponseWriter {
    /// For the answer with this id, which begins with `resp_`; `created` is in seconds since 1970.
    pub fn new(id: impl Into<String>, created: i64, model: impl Into<String>, echo: Echo) -> Self {
        let frame = Frame { id: id.into(), created, model: model.into(), echo };
        let (state, blocks) = (State::default(), Blocks::default());
        Self { frame, state, blocks, logprobs: Vec::new(), open: None, sequence: 0 }
    }

    /// The first events.
    pub fn start(&mut self) -> Vec<NamedEvent> {
        vec![self.whole("response.created"), self.whole("response.in_progress")]
    }

    /// The events for one of the model's; often none or one.
    pub fn write(&mut self, event: ChatEvent) -> Vec<NamedEvent> {
        if let ChatEvent::Finish { choice: 0, reason, .. } = event {
            self.state.reason = Some(reason);
        }
        let steps = self.blocks.take(event);
        let mut events = Vec::with_capacity(steps.len());
        steps.into_iter().for_each(|step| self.step(step, &mut events));
        events
    }

    /// The last event of a stream that failed. What was begun and not ended is left out of the response.
    pub fn failed(&mut self, error: &Error) -> NamedEvent {
        self.state.failure = Some(error.clone());
        self.whole("response.failed")
    }

    fn step(&mut self, step: Step, events: &mut Vec<NamedEvent>) {
        match step {
            Step::Open(kind) => self.begin(&kind, events),
            Step::More(text) => events.extend(self.delta(&text)),
            Step::Cite(citations) => {
                for (index, annotation) in annotations(&citations).into_iter().enumerate() {
                    let fields = json!({"content_index": 0, "annotation_index": index, "annotation": annotation});
                    events.extend(self.event("response.output_text.annotation.added", fields));
                }
            }
            Step::Close(block) => self.end(&block, events),
            Step::Extra(mut fields) => {
                self.logprobs.extend(take_logprobs(&mut fields));
                self.state.note(fields);
            }
            Step::Finish(_, citations) => self.state.citations = citations,
            Step::End(usage) => {
                self.state.usage = Some(usage);
                let name =
                    if self.state.status() == "incomplete" { "response.incomplete" } else { "response.completed" };
                events.push(self.whole(name));
            }
            Step::Seal(_) | Step::CiteForeign(_) => {}
        }
    }

    fn begin(&mut self, kind: &Kind, events: &mut Vec<NamedEvent>) {
        let Some(id) = item_id(&self.frame.id, kind, self.state.output.len()) else { return };
        let item = write_head(&id, kind);
        let shape = Shape::of(kind, self.frame.echo.wants_summary());
        self.open = Some(Open { id, shape });
        events.push(self.item("response.output_item.added", item));
        if let Some(part) = shape.part("") {
            let (place, added, _) = shape.part_names();
            events.extend(self.event(added, json!({place: 0, "part": part})));
        }
    }

    fn delta(&mut self, text: &str) -> Option<NamedEvent> {
        let sequence_number = self.next();
        let Open { id, shape } = self.open.as_ref()?;
        let kind = shape.delta();
        let in_content = matches!(shape, Shape::Text | Shape::Refusal | Shape::Reasoning);
        let delta = Delta {
            kind,
            sequence_number,
            item_id: id,
            output_index: self.state.output.len(),
            content_index: in_content.then_some(0),
            summary_index: (*shape == Shape::Summary).then_some(0),
            delta: text,
            logprobs: (*shape == Shape::Text).then_some([]),
        };
        Some(NamedEvent::new(kind, &delta))
    }

    fn end(&mut self, block: &Block, events: &mut Vec<NamedEvent>) {
        let logprobs = logprobs_of(block, &mut self.logprobs);
        let Some(Open { id, shape }) = self.open.clone() else { return };
        let text = &block.text;
        let (name, fields) = match shape {
            Shape::Text => {
                ("response.output_text.done", json!({"content_index": 0, "text": text, "logprobs": logprobs}))
            }
            Shape::Refusal => ("response.refusal.done", json!({"content_index": 0, "refusal": text})),
            Shape::Reasoning => ("response.reasoning_text.done", json!({"content_index": 0, "text": text})),
            Shape::Summary => ("response.reasoning_summary_text.done", json!({"summary_index": 0, "text": text})),
            Shape::Arguments => ("response.function_call_arguments.done", json!({"arguments": text})),
            Shape::Sealed => ("", Value::Null),
        };
        if shape != Shape::Sealed {
            events.extend(self.event(name, fields));
        }
        if let Some(part) = shape.part(text) {
            let part = if shape == Shape::Text { write_part(block, logprobs.clone()) } else { part };
            let (place, _, done) = shape.part_names();
            events.extend(self.event(done, json!({place: 0, "part": part})));
        }
        let summary = self.frame.echo.wants_summary();
        let item = write_item(&id, block, self.state.item_status(), summary, logprobs);
        events.push(self.item("response.output_item.done", item.clone()));
        self.state.output.push(item);
        self.open = None;
    }

    /// An event about the whole response.
    fn whole(&mut self, name: &'static str) -> NamedEvent {
        let sequence = self.next();
        let response = write_response(&self.frame, &self.state);
        NamedEvent::new(name, &json!({"type": name, "sequence_number": sequence, "response": response}))
    }

    /// An event about the whole of an item.
    fn item(&mut self, name: &'static str, item: Value) -> NamedEvent {
        let sequence = self.next();
        let index = self.state.output.len();
        let data = json!({"type": name, "sequence_number": sequence, "output_index": index, "item": item});
        NamedEvent::new(name, &data)
    }

    /// An event about the open item, if there is one.
    fn event(&mut self, name: &'static str, fields: Value) -> Option<NamedEvent> {
        let Open { id, .. } = self.open.as_ref()?;
        let index = self.state.output.len();
        let mut data = json!({"type": name, "sequence_number": self.sequence, "item_id": id, "output_index": index});
        self.sequence += 1;
        if let (Value::Object(data), Value::Object(fields)) = (&mut data, fields) {
            data.extend(fields);
        }
        Some(NamedEvent::new(name, &data))
    }

    fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence - 1
    }
}
