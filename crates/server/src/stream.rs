//! A reply's events as the frames of a stream, in the form of each dialect.
//!
//! It does not know server-sent events' framing.

use crate::chat::broke_off;
use crate::sse::Frame;
use futures_core::Stream;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use yizhan_dialect::{anthropic, openai, responses};
use yizhan_domain::{Error, Result};
use yizhan_model::{ChatEvent, EventStream};
use yizhan_telemetry::{LogIds, with_ids_sync};

/// How a dialect writes a streamed answer.
pub(crate) trait Writer: Send + Unpin {
    /// What comes before the first event.
    fn start(&mut self) -> Vec<Frame>;
    /// What an event becomes.
    fn write(&mut self, event: ChatEvent) -> Vec<Frame>;
    /// What comes after the last event.
    fn end(&mut self) -> Vec<Frame>;
    /// How a failure is told; nothing follows it.
    fn failed(&mut self, error: &Error) -> Vec<Frame>;
}

impl Writer for openai::ChunkWriter {
    fn start(&mut self) -> Vec<Frame> {
        vec![self.role().into()]
    }
    fn write(&mut self, event: ChatEvent) -> Vec<Frame> {
        openai::ChunkWriter::write(self, event).map(Frame::from).into_iter().collect()
    }
    fn end(&mut self) -> Vec<Frame> {
        vec!["[DONE]".to_owned().into()]
    }
    fn failed(&mut self, error: &Error) -> Vec<Frame> {
        vec![openai::error_body(error).to_string().into()]
    }
}

impl Writer for anthropic::MessageWriter {
    fn start(&mut self) -> Vec<Frame> {
        vec![anthropic::MessageWriter::start(self).into()]
    }
    fn write(&mut self, event: ChatEvent) -> Vec<Frame> {
        anthropic::MessageWriter::write(self, event).into_iter().map(Frame::from).collect()
    }
    fn end(&mut self) -> Vec<Frame> {
        Vec::new()
    }
    fn failed(&mut self, error: &Error) -> Vec<Frame> {
        vec![anthropic::error_event(error).into()]
    }
}

impl Writer for responses::ResponseWriter {
    fn start(&mut self) -> Vec<Frame> {
        responses::ResponseWriter::start(self).into_iter().map(Frame::from).collect()
    }
    fn write(&mut self, event: ChatEvent) -> Vec<Frame> {
        responses::ResponseWriter::write(self, event).into_iter().map(Frame::from).collect()
    }
    fn end(&mut self) -> Vec<Frame> {
        Vec::new()
    }
    fn failed(&mut self, error: &Error) -> Vec<Frame> {
        vec![responses::ResponseWriter::failed(self, error).into()]
    }
}

/// The frames of one answer. Dropping it drops the events behind it at once.
pub(crate) struct FrameStream<W> {
    events: Option<EventStream>,
    writer: W,
    waiting: VecDeque<Frame>,
    /// What its log lines carry: they are written after the handler has returned.
    ids: Option<Arc<LogIds>>,
}

impl<W: Writer> FrameStream<W> {
    /// Of the events, written by the writer.
    pub(crate) fn new(events: EventStream, mut writer: W) -> Self {
        let waiting = writer.start().into();
        Self { events: Some(events), writer, waiting, ids: yizhan_telemetry::ids() }
    }

    fn take(&mut self, event: Option<Result<ChatEvent>>) {
        match event {
            Some(Ok(event)) => {
                let is_last = matches!(event, ChatEvent::End { .. });
                self.waiting.extend(self.writer.write(event));
                if is_last {
                    self.events = None;
                    self.waiting.extend(self.writer.end());
                }
            }
            Some(Err(error)) => self.fail(&error),
            None => self.fail(&broke_off()),
        }
    }

    /// The headers are long gone: the error travels as the last frame, as the clients expect.
    fn fail(&mut self, error: &Error) {
        tracing::warn!(code = error.code().as_str(), "a stream failed: {error}");
        self.events = None;
        self.waiting.extend(self.writer.failed(error));
    }
}

impl<W: Writer> Stream for FrameStream<W> {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Frame>> {
        let ids = self.ids.clone();
        with_ids_sync(ids.as_ref(), || self.next(context))
    }
}

impl<W: Writer> FrameStream<W> {
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Frame>> {
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                return Poll::Ready(Some(frame));
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
