//! A reply's events as the chunks of a stream, one JSON text each.
//!
//! It does not know server-sent events' framing.

use crate::chat::broke_off;
use futures_core::Stream;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use yizhan_dialect::openai::{ChunkWriter, error_body};
use yizhan_domain::{Error, Result};
use yizhan_model::{ChatEvent, EventStream};

/// Chunks of one answer. The first says who speaks; the last is `[DONE]`, or an error.
/// Dropping it drops the events behind it at once.
pub(crate) struct ChunkStream {
    events: Option<EventStream>,
    writer: ChunkWriter,
    waiting: VecDeque<String>,
}

impl ChunkStream {
    /// Of the events, written by the writer.
    pub(crate) fn new(events: EventStream, mut writer: ChunkWriter) -> Self {
        let waiting = VecDeque::from([writer.role()]);
        Self { events: Some(events), writer, waiting }
    }

    fn take(&mut self, event: Option<Result<ChatEvent>>) {
        match event {
            Some(Ok(event)) => {
                let is_last = matches!(event, ChatEvent::End { .. });
                self.waiting.extend(self.writer.write(event));
                if is_last {
                    self.events = None;
                    self.waiting.push_back("[DONE]".to_owned());
                }
            }
            Some(Err(error)) => self.fail(&error),
            None => self.fail(&broke_off()),
        }
    }

    /// The headers are long gone: the error travels as the last chunk, as OpenAI's clients expect.
    fn fail(&mut self, error: &Error) {
        tracing::warn!(code = error.code().as_str(), "a stream failed: {error}");
        self.events = None;
        self.waiting.push_back(error_body(error).to_string());
    }
}

impl Stream for ChunkStream {
    type Item = String;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<String>> {
        loop {
            if let Some(chunk) = self.waiting.pop_front() {
                return Poll::Ready(Some(chunk));
            }
            let Some(events) = &mut self.events else { return Poll::Ready(None) };
            // The handler has returned: nobody else would catch a panic here.
            match catch_unwind(AssertUnwindSafe(|| events.as_mut().poll_next(context))) {
                Ok(polled) => {
                    let event = ready!(polled);
                    self.take(event);
                }
                Err(_) => self.fail(&Error::internal("The server failed at this answer; please report it.")),
            }
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
