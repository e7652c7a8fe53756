//! An answer on its way out: the model's events with the citations checked.
//!
//! It does not know where the events come from.

use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use yizhan_domain::{Citation, FinishReason, ModelName, Result, ToolCall, Usage};
use yizhan_knowledge::{CitationFilter, Grounding};
use yizhan_model::{ChatEvent, EventStream};

/// One event of a reply. A stream is any number of deltas, then exactly one `Finish`; or it ends
/// with an error.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplyEvent {
    /// More of the answer's text.
    Text(String),
    /// More of the model's reasoning.
    Reasoning(String),
    /// A complete tool call.
    ToolCall(ToolCall),
    /// The end.
    Finish {
        /// Why.
        reason: FinishReason,
        /// What it took.
        usage: Usage,
        /// What the answer rests on, in the order of their numbers.
        citations: Vec<Citation>,
    },
}

/// An answer as it comes. Dropping it cancels the work behind it.
pub type ReplyStream = Pin<Box<dyn Stream<Item = Result<ReplyEvent>> + Send>>;

/// An answer that has begun.
pub struct Reply {
    /// The name that was asked for.
    pub model: ModelName,
    /// The answer.
    pub events: ReplyStream,
}

/// A model's events as a reply's.
pub(crate) struct Checked {
    events: EventStream,
    filter: Option<CitationFilter>,
    /// What still has to go out after the text that the filter held back.
    finish: Option<ReplyEvent>,
}

impl Checked {
    pub(crate) fn new(events: EventStream, grounding: Option<Grounding>) -> Self {
        Self { events, filter: grounding.map(CitationFilter::new), finish: None }
    }

    /// `None`: nothing to give out for this event.
    fn translate(&mut self, event: ChatEvent) -> Option<ReplyEvent> {
        match event {
            ChatEvent::Text { delta } => {
                let text = match &mut self.filter {
                    Some(filter) => filter.push(&delta),
                    None => delta,
                };
                (!text.is_empty()).then_some(ReplyEvent::Text(text))
            }
            ChatEvent::Reasoning { delta } => Some(ReplyEvent::Reasoning(delta)),
            ChatEvent::ToolCall { call } => Some(ReplyEvent::ToolCall(call)),
            ChatEvent::Finish { reason, usage } => {
                let cited = self.filter.take().map(CitationFilter::finish).unwrap_or_default();
                let finish = ReplyEvent::Finish { reason, usage, citations: cited.citations };
                if cited.text.is_empty() {
                    return Some(finish);
                }
                self.finish = Some(finish);
                Some(ReplyEvent::Text(cited.text))
            }
        }
    }
}

impl Stream for Checked {
    type Item = Result<ReplyEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(finish) = self.finish.take() {
            return Poll::Ready(Some(Ok(finish)));
        }
        loop {
            match ready!(self.events.as_mut().poll_next(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(event)) => {
                    if let Some(event) = self.translate(event) {
                        return Poll::Ready(Some(Ok(event)));
                    }
                }
            }
        }
    }
}
