//! An answer that is being made: watched on its way, kept when all went well.
//!
//! It does not know what "well" is beyond the model's own end: [`Pending::commit`] is the caller's word that the
//! answer reached its end with nothing blocked, cut off or cancelled.

use crate::answer::{Answer, event_size, now_ms};
use crate::key::Key;
use crate::near::{Near, Question};
use crate::replies::{Flight, ReplyCache};
use futures_core::Stream;
use parking_lot::Mutex;
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use yizhan_domain::{FinishReason, ModelName, Result, Usage};
use yizhan_model::{ChatEvent, EventStream};

/// The right to keep one answer. Dropped without [`Self::commit`], nothing is kept, and the next of those who
/// wait for the same answer makes it.
pub struct Pending {
    cache: ReplyCache,
    key: Key,
    collected: Arc<Mutex<Collected>>,
    question: Option<Box<(Arc<Near>, Question)>>,
    /// Wakes those who wait, when dropped; none when nobody can.
    flight: Option<Flight>,
}

impl Pending {
    pub(crate) fn new(cache: ReplyCache, key: Key, flight: Option<Flight>) -> Self {
        let settings = cache.settings();
        let collected = Collected {
            events: Vec::new(),
            bytes: 0,
            limit: settings.max_answer_kib.saturating_mul(1024),
            tools: settings.tools,
            cut_short: settings.cut_short,
            finished: false,
            state: State::Flowing,
            served: None,
            beside: None,
        };
        let collected = Arc::new(Mutex::new(collected));
        Self { cache, key, collected, question: None, flight }
    }

    /// What the answer is kept under.
    pub fn key(&self) -> Key {
        self.key
    }

    /// The same events, watched. Put it round the model's own stream, before any rule.
    pub fn record(&self, events: EventStream) -> EventStream {
        Box::pin(Recorder { events, collected: Arc::clone(&self.collected) })
    }

    /// Who makes the answer, to be told with each hit.
    pub fn served(&self, provider: impl Into<String>, model: ModelName) {
        self.collected.lock().served = Some((provider.into(), model));
    }

    /// Keeps something beside the answer; [`crate::Hit`] gives it back.
    pub fn beside(&self, value: Value) {
        self.collected.lock().beside = Some(value);
    }

    pub(crate) fn ask(&mut self, near: Arc<Near>, question: Question) {
        self.question = Some(Box::new((near, question)));
    }

    /// Keeps the answer, if the model ended it as the settings want and it is not too large. Was it kept?
    pub fn commit(mut self) -> bool {
        let Some(answer) = self.collected.lock().take() else { return false };
        self.cache.put(self.key, answer);
        if let Some(asked) = self.question.take() {
            let (near, question) = *asked;
            near.put(question, self.key);
        }
        true
    }

    /// Is somebody waiting for this answer?
    pub fn is_shared(&self) -> bool {
        self.flight.is_some()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Flowing,
    Complete(Usage),
    /// Too large, failed, or ended in a way that is not kept.
    Unfit,
}

struct Collected {
    events: Vec<ChatEvent>,
    bytes: usize,
    limit: usize,
    tools: bool,
    cut_short: bool,
    finished: bool,
    state: State,
    served: Option<(String, ModelName)>,
    beside: Option<Value>,
}

impl Collected {
    fn push(&mut self, event: &Result<ChatEvent>) {
        if self.state != State::Flowing {
            return;
        }
        match event {
            Err(_) => self.give_up(),
            Ok(ChatEvent::End { usage }) if self.finished => self.state = State::Complete(*usage),
            Ok(ChatEvent::End { .. }) => self.give_up(),
            Ok(event) => {
                if let ChatEvent::Finish { reason, .. } = event {
                    match self.keeps(*reason) {
                        true => self.finished = true,
                        false => return self.give_up(),
                    }
                }
                self.bytes += self.add(event);
                if self.bytes > self.limit {
                    self.give_up();
                }
            }
        }
    }

    fn keeps(&self, reason: FinishReason) -> bool {
        match reason {
            FinishReason::Stop => true,
            FinishReason::Length => self.cut_short,
            FinishReason::ToolCalls => self.tools,
            FinishReason::ContentFilter => false,
        }
    }

    /// Joins the piece to the one before, where they belong together. How many bytes more are held.
    fn add(&mut self, event: &ChatEvent) -> usize {
        let joined = match (self.events.last_mut(), event) {
            (Some(ChatEvent::Text { choice: before, delta: text }), ChatEvent::Text { choice, delta })
            | (Some(ChatEvent::Reasoning { choice: before, delta: text }), ChatEvent::Reasoning { choice, delta })
                if before == choice =>
            {
                text.push_str(delta);
                Some(delta.len())
            }
            (Some(ChatEvent::ToolCall { choice: before, piece: call }), ChatEvent::ToolCall { choice, piece })
                if before == choice
                    && call.index == piece.index
                    && piece.id.is_none()
                    && piece.name.is_none()
                    && piece.extra.is_empty() =>
            {
                call.arguments.push_str(&piece.arguments);
                Some(piece.arguments.len())
            }
            _ => None,
        };
        joined.unwrap_or_else(|| {
            self.events.push(event.clone());
            event_size(event)
        })
    }

    fn give_up(&mut self) {
        self.state = State::Unfit;
        self.events = Vec::new();
    }

    fn take(&mut self) -> Option<Answer> {
        let State::Complete(usage) = self.state else { return None };
        let events = std::mem::take(&mut self.events);
        let (served, beside) = (self.served.take(), self.beside.take());
        Some(Answer { events, usage, made_at_ms: now_ms(), served, beside })
    }
}

struct Recorder {
    events: EventStream,
    collected: Arc<Mutex<Collected>>,
}

impl Stream for Recorder {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.events.as_mut().poll_next(context));
        if let Some(event) = &event {
            self.collected.lock().push(event);
        }
        Poll::Ready(event)
    }
}

#[cfg(test)]
#[path = "pending_tests.rs"]
mod tests;
