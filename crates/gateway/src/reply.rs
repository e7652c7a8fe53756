//! An answer on its way out: the model's events with the citations checked.
//!
//! It does not know where the events come from.

use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use yizhan_access::Standing;
use yizhan_domain::{CallId, ModelName, Result};
use yizhan_knowledge::{CitationFilter, Grounding};
use yizhan_model::{ChatEvent, EventStream};

/// An answer that has begun.
pub struct Reply {
    /// What reply, audit record and log line have in common.
    pub call: CallId,
    /// The name that was asked for.
    pub model: ModelName,
    /// Provider and model that answer; none when nobody was asked.
    pub served: Option<(String, ModelName)>,
    /// Does another model answer than the first choice?
    pub fallback: bool,
    /// From memory: `exact` or `semantic`.
    pub cached: Option<&'static str>,
    /// Tokens of the prompt, as they were counted before the call.
    pub prompt_tokens: u32,
    /// How near the caller is to their limits.
    pub standing: Standing,
    /// The answer. Dropping it cancels the work behind it.
    pub events: EventStream,
}

/// A model's events with the citations of its first answer checked; only that one rests on sources.
pub(crate) struct Checked {
    events: EventStream,
    /// None once the first answer has ended.
    filter: Option<CitationFilter>,
    /// What still has to go out after the text that the filter held back.
    finish: Option<ChatEvent>,
}

impl Checked {
    pub(crate) fn new(events: EventStream, grounding: Grounding) -> Self {
        Self { events, filter: Some(CitationFilter::new(grounding)), finish: None }
    }

    /// `None`: nothing to give out for this event.
    fn check(&mut self, event: ChatEvent) -> Option<ChatEvent> {
        match event {
            ChatEvent::Text { choice: 0, delta } => {
                let delta = match &mut self.filter {
                    Some(filter) => filter.push(&delta),
                    None => delta,
                };
                (!delta.is_empty()).then_some(ChatEvent::Text { choice: 0, delta })
            }
            ChatEvent::Finish { choice: 0, reason, mut citations } => {
                let cited = self.filter.take().map(CitationFilter::finish).unwrap_or_default();
                citations.extend(cited.citations);
                let finish = ChatEvent::Finish { choice: 0, reason, citations };
                if cited.text.is_empty() {
                    return Some(finish);
                }
                self.finish = Some(finish);
                Some(ChatEvent::text(cited.text))
            }
            other => Some(other),
        }
    }
}

impl Stream for Checked {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(finish) = self.finish.take() {
            return Poll::Ready(Some(Ok(finish)));
        }
        loop {
            match ready!(self.events.as_mut().poll_next(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(event)) => {
                    if let Some(event) = self.check(event) {
                        return Poll::Ready(Some(Ok(event)));
                    }
                }
            }
        }
    }
}
