//! An answer's events put into blocks that come one after another: reasoning, text, calls of tools.
//!
//! Anthropic's and OpenAI's Responses streams open a block, fill it, close it, and only then open the
//! next. A model's events keep no such order: pieces of two calls may alternate, and text may come
//! between them. What cannot be written yet waits here until the open block is whole. Both dialects
//! know one answer only: events of other choices than 0 are left out. It does not know any JSON of theirs.

use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use yizhan_domain::{Citation, Fields, FinishReason, ToolCallPiece, Usage};
use yizhan_model::ChatEvent;

/// What a block holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Reasoning,
    Text,
    /// The model's words on why it does not answer.
    Refusal,
    /// A call of a tool.
    Call {
        id: String,
        name: String,
        extra: Fields,
    },
    /// A block that nobody here can read, such as encrypted reasoning.
    Opaque(Value),
}

/// One block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    /// The text, the reasoning, or the call's arguments.
    pub(crate) text: String,
    /// The vendor's own form of a reasoning block, with its signature.
    pub(crate) seal: Option<Value>,
    /// What a text rests on.
    pub(crate) citations: Vec<Citation>,
    /// The same in the words of the vendor that answers.
    pub(crate) foreign: Vec<Value>,
    /// A call's index among the answer's calls.
    index: Option<u32>,
}

/// What a writer has to write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// A block begins.
    Open(Kind),
    /// More of the open block's text.
    More(String),
    /// The vendor's own form of the open reasoning block.
    Seal(Value),
    /// What the open text rests on.
    Cite(Vec<Citation>),
    /// The same in the words of the vendor that answers.
    CiteForeign(Vec<Value>),
    /// The open block's end; it is whole.
    Close(Block),
    /// Other fields of the answer.
    Extra(Fields),
    /// The answer's end, with the citations that no text could take.
    Finish(FinishReason, Vec<Citation>),
    /// The stream's end.
    End(Usage),
}

/// The blocks of an answer as it comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks {
    open: Option<Block>,
    /// Blocks that come after the open one, in order. There are some only while the open one is a
    /// call whose arguments are not whole.
    waiting: VecDeque<Block>,
    /// Calls that were closed; what comes after a call's last brace is nothing.
    closed: BTreeSet<u32>,
}

impl Block {
    fn new(kind: Kind) -> Self {
        Self { kind, text: String::new(), seal: None, citations: Vec::new(), foreign: Vec::new(), index: None }
    }

    /// May it end here? A call may when its arguments are one whole object.
    fn is_whole(&self) -> bool {
        let Kind::Call { .. } = self.kind else { return true };
        // The cheap tests come first: this is asked again for every piece while others wait.
        let text = self.text.trim();
        text.starts_with('{') && text.ends_with('}') && serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    /// Is more of this kind a part of the block?
    fn goes_on_with(&self, kind: &Kind, index: Option<u32>) -> bool {
        match (&self.kind, kind) {
            (Kind::Reasoning, Kind::Reasoning) => self.seal.is_none(),
            (Kind::Text, Kind::Text) | (Kind::Refusal, Kind::Refusal) => true,
            (Kind::Call { .. }, Kind::Call { .. }) => self.index == index,
            _ => false,
        }
    }
}

impl Blocks {
    /// Takes an event in; what is to be written follows from it.
    pub(crate) fn take(&mut self, event: ChatEvent) -> Vec<Step> {
        let mut steps = Vec::with_capacity(1);
        match event {
            ChatEvent::Text { choice: 0, delta } => self.add_text(Kind::Text, delta, &mut steps),
            ChatEvent::Reasoning { choice: 0, delta } => self.add_text(Kind::Reasoning, delta, &mut steps),
            ChatEvent::ToolCall { choice: 0, piece } => self.add_piece(piece, &mut steps),
            ChatEvent::Extra { choice: Some(0), fields } => self.add_fields(fields, &mut steps),
            ChatEvent::Extra { choice: None, fields } => steps.push(Step::Extra(fields)),
            ChatEvent::Finish { choice: 0, reason, citations } => self.finish(reason, citations, &mut steps),
            ChatEvent::End { usage } => {
                self.close_all(&mut Vec::new(), &mut steps);
                steps.push(Step::End(usage));
            }
            // Another answer than the first.
            ChatEvent::Text { .. }
            | ChatEvent::Reasoning { .. }
            | ChatEvent::ToolCall { .. }
            | ChatEvent::Extra { choice: Some(_), .. }
            | ChatEvent::Finish { .. } => {}
        }
        steps
    }

    fn add_text(&mut self, kind: Kind, delta: String, steps: &mut Vec<Step>) {
        if !delta.is_empty() {
            self.add(kind, None, delta, steps);
        }
    }

    fn add_piece(&mut self, piece: ToolCallPiece, steps: &mut Vec<Step>) {
        let ToolCallPiece { index, id, name, arguments, extra } = piece;
        if self.closed.contains(&index) {
            return;
        }
        // Every call needs an id that its result can name.
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call_{index}"));
        self.add(Kind::Call { id, name: name.unwrap_or_default(), extra }, Some(index), arguments, steps);
    }

    /// Fields of the answer that stand for blocks, and others.
    fn add_fields(&mut self, mut fields: Fields, steps: &mut Vec<Step>) {
        if let Some(Value::String(refusal)) = fields.get_mut("refusal").map(Value::take) {
            self.add_text(Kind::Refusal, refusal, steps);
        }
        fields.shift_remove("refusal");
        if let Some(Value::Array(blocks)) = fields.shift_remove("thinking_blocks") {
            blocks.into_iter().for_each(|block| self.seal(block, steps));
        }
        if let Some(Value::Array(blocks)) = fields.shift_remove("content_blocks") {
            blocks.into_iter().for_each(|block| self.add_opaque(block, steps));
        }
        if let Some(Value::Array(citations)) = fields.shift_remove("citations") {
            self.cite(citations, steps);
        }
        if !fields.is_empty() {
            steps.push(Step::Extra(fields));
        }
    }

    /// Anthropic's own form of a piece of reasoning. Its text has mostly come before, as a delta.
    fn seal(&mut self, value: Value, steps: &mut Vec<Step>) {
        if value["type"] != "thinking" {
            return self.add_opaque(value, steps);
        }
        let last = self.waiting.back_mut().or(self.open.as_mut());
        let last = last.filter(|block| block.goes_on_with(&Kind::Reasoning, None));
        if last.is_none() {
            let text = value["thinking"].as_str().unwrap_or_default().to_owned();
            return self.begin(Block { text, seal: Some(value), ..Block::new(Kind::Reasoning) }, steps);
        }
        if let Some(block) = last {
            block.seal = Some(value.clone());
        }
        if self.waiting.is_empty() {
            steps.push(Step::Seal(value));
        }
    }

    /// What has no type is no block, and blocks that can be read come as events: either would break clients.
    fn add_opaque(&mut self, value: Value, steps: &mut Vec<Step>) {
        if value["type"].as_str().is_some_and(|kind| !matches!(kind, "text" | "thinking" | "tool_use")) {
            self.begin(Block::new(Kind::Opaque(value)), steps);
        }
    }

    /// Citations of a text stand in it; without one there is nothing that they could be of.
    fn cite(&mut self, citations: Vec<Value>, steps: &mut Vec<Step>) {
        let last = self.waiting.back_mut().or(self.open.as_mut());
        let Some(block) = last.filter(|block| block.kind == Kind::Text) else { return };
        block.foreign.extend(citations.iter().cloned());
        if self.waiting.is_empty() {
            steps.push(Step::CiteForeign(citations));
        }
    }

    fn add(&mut self, kind: Kind, index: Option<u32>, delta: String, steps: &mut Vec<Step>) {
        if let Some(open) = self.open.as_mut().filter(|block| block.goes_on_with(&kind, index)) {
            open.text.push_str(&delta);
            if !delta.is_empty() {
                steps.push(Step::More(delta));
            }
            return self.advance(steps);
        }
        // A call waits wherever it began; text goes on at the end only.
        let waiting = match index {
            Some(_) => self.waiting.iter_mut().find(|block| block.goes_on_with(&kind, index)),
            None => self.waiting.back_mut().filter(|block| block.goes_on_with(&kind, index)),
        };
        match waiting {
            Some(block) => block.text.push_str(&delta),
            None => self.begin(Block { text: delta, index, ..Block::new(kind) }, steps),
        }
    }

    /// A new block, now or when those before it are whole.
    fn begin(&mut self, block: Block, steps: &mut Vec<Step>) {
        self.waiting.push_back(block);
        self.advance(steps);
    }

    /// Opens what waits for as long as the block before it is whole.
    fn advance(&mut self, steps: &mut Vec<Step>) {
        while self.open.as_ref().is_none_or(Block::is_whole) {
            let Some(next) = self.waiting.pop_front() else { return };
            self.close(steps);
            steps.push(Step::Open(next.kind.clone()));
            if !next.text.is_empty() {
                steps.push(Step::More(next.text.clone()));
            }
            if let Some(seal) = &next.seal {
                steps.push(Step::Seal(seal.clone()));
            }
            if !next.foreign.is_empty() {
                steps.push(Step::CiteForeign(next.foreign.clone()));
            }
            self.open = Some(next);
        }
    }

    fn close(&mut self, steps: &mut Vec<Step>) {
        if let Some(block) = self.open.take() {
            self.closed.extend(block.index);
            steps.push(Step::Close(block));
        }
    }

    fn finish(&mut self, reason: FinishReason, mut citations: Vec<Citation>, steps: &mut Vec<Step>) {
        self.close_all(&mut citations, steps);
        steps.push(Step::Finish(reason, citations));
    }

    /// Closes all blocks, whole or not; the last one takes the citations if it is a text.
    fn close_all(&mut self, citations: &mut Vec<Citation>, steps: &mut Vec<Step>) {
        while !self.waiting.is_empty() {
            // An unfinished call stands before it.
            self.close(steps);
            self.advance(steps);
        }
        if let Some(block) = self.open.as_mut().filter(|block| block.kind == Kind::Text && !citations.is_empty()) {
            block.citations = std::mem::take(citations);
            steps.push(Step::Cite(block.citations.clone()));
        }
        self.close(steps);
    }
}

#[cfg(test)]
#[path = "blocks_tests.rs"]
mod tests;
