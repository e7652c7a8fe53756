//! A streamed reply as events, as they come.
//!
//! It does not know how a request was written. Dropping it closes the connection, unless the answer is whole.

use crate::client::Flow;
use crate::config::seconds;
use crate::estimate::{scale, text_tokens};
use crate::failure::{Failure, Outcome, What};
use crate::provider::Shared;
use crate::sse::{SseEvent, SseParser};
use crate::vendor::Wire;
use bytes::Bytes;
use futures_core::Stream;
use http_body_util::BodyExt;
use hyper::body::Body;
use serde_json::json;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::Sleep;
use yizhan_dialect::anthropic::MessageReader;
use yizhan_dialect::openai::ChatAnswerReader;
use yizhan_dialect::{AnswerFault, VendorError};
use yizhan_domain::{Fields, Result, Usage};
use yizhan_model::ChatEvent;

/// Reads answers of either protocol.
pub(crate) enum Reader {
    OpenAi(ChatAnswerReader),
    Anthropic(Box<MessageReader>),
}

impl Reader {
    pub(crate) fn new(wire: Wire) -> Self {
        match wire {
            Wire::OpenAi => Reader::OpenAi(ChatAnswerReader::default()),
            Wire::Anthropic => Reader::Anthropic(Box::default()),
        }
    }

    pub(crate) fn reply(&mut self, body: &[u8], events: &mut VecDeque<ChatEvent>) -> Outcome<()> {
        let read = match self {
            Reader::OpenAi(reader) => reader.reply(body, events),
            Reader::Anthropic(reader) => reader.reply(body, events),
        };
        read.map_err(|fault| name_what_came(fault, body))
    }

    /// True: the answer is whole.
    fn event(&mut self, event: SseEvent<'_>, events: &mut VecDeque<ChatEvent>) -> Outcome<bool> {
        let read = match self {
            _ if event.name == b"error" => Err(said(event.data)),
            Reader::OpenAi(reader) => reader.chunk(event.data, events),
            Reader::Anthropic(reader) => reader.chunk(event.data, events),
        };
        Ok(read?)
    }

    fn end(&mut self) -> Outcome<()> {
        match self {
            Reader::OpenAi(reader) => Ok(reader.end()?),
            Reader::Anthropic(reader) => Ok(reader.end()?),
        }
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        match self {
            Reader::OpenAi(reader) => reader.usage(),
            Reader::Anthropic(reader) => reader.usage(),
        }
    }
}

/// The data of an event `error`.
fn said(data: &[u8]) -> AnswerFault {
    let in_words = || VendorError { message: String::from_utf8_lossy(data).into_owned(), ..VendorError::default() };
    AnswerFault::Vendor(VendorError::read(data).unwrap_or_else(in_words))
}

/// A body that is no JSON at all has a better name than a position in it.
fn name_what_came(fault: AnswerFault, body: &[u8]) -> Failure {
    match (fault, body.trim_ascii_start().first()) {
        (AnswerFault::Malformed(_), None) => What::Malformed("the body is empty".to_owned()).into(),
        (AnswerFault::Malformed(_), Some(b'<')) => {
            What::Malformed("it is a web page, perhaps of a proxy in between".to_owned()).into()
        }
        (fault, _) => fault.into(),
    }
}

/// What stands in where the provider does not tell what a call took: estimates, so that nothing is free.
pub(crate) struct Reckoning {
    /// The request as it was sent.
    pub(crate) request: Bytes,
    pub(crate) context_length: u32,
    pub(crate) factor: f32,
    /// Tokens of the answer so far, estimated.
    completion: u32,
}

impl Reckoning {
    pub(crate) fn new(request: Bytes, context_length: u32, factor: f32) -> Self {
        Self { request, context_length, factor, completion: 0 }
    }

    pub(crate) fn take(&mut self, event: &ChatEvent) {
        let text = match event {
            ChatEvent::Text { delta, .. } | ChatEvent::Reasoning { delta, .. } => delta,
            ChatEvent::ToolCall { piece, .. } => &piece.arguments,
            ChatEvent::Extra { .. } | ChatEvent::Finish { .. } | ChatEvent::End { .. } => return,
        };
        self.completion = self.completion.saturating_add(text_tokens(text));
    }

    /// The last events: the usage, marked where it is an estimate.
    pub(crate) fn end(&self, usage: Option<Usage>, events: &mut VecDeque<ChatEvent>) {
        let usage = usage.filter(|usage| usage.total_tokens() > 0).unwrap_or_else(|| {
            let fields = Fields::from_iter([("usage_estimated".to_owned(), json!(true))]);
            events.push_back(ChatEvent::Extra { choice: None, fields });
            let prompt = scale(text_tokens(&String::from_utf8_lossy(&self.request)), self.factor);
            let completion_tokens = scale(self.completion, self.factor);
            Usage { prompt_tokens: prompt.min(self.context_length), completion_tokens, ..Usage::default() }
        });
        events.push_back(ChatEvent::End { usage });
    }
}

/// Where a stream stands.
enum State {
    Reading,
    /// To be told once the events before it are.
    Failed(Failure),
    /// All that the provider had to say was read.
    Whole,
    /// A failure was told.
    Over,
}

/// After a whole answer the body's end is a few bytes away; read to there, the connection can be used again.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// The events of a streamed reply.
pub(crate) struct Events {
    shared: Arc<Shared>,
    /// Gone only while it is dropped.
    body: Option<Flow>,
    parser: SseParser,
    reader: Reader,
    queue: VecDeque<ChatEvent>,
    reckoning: Reckoning,
    state: State,
    clock: Clock,
}

impl Events {
    pub(crate) fn new(shared: Arc<Shared>, body: Flow, reckoning: Reckoning, begun: Instant) -> Self {
        let clock = Clock::new(&shared, begun);
        Self {
            reader: Reader::new(shared.vendor.wire()),
            shared,
            body: Some(body),
            parser: SseParser::default(),
            queue: VecDeque::with_capacity(16),
            reckoning,
            state: State::Reading,
            clock,
        }
    }

    fn read(&mut self, data: &[u8]) {
        let Self { parser, reader, queue, .. } = self;
        let mut is_whole = false;
        let fed = parser.feed(data, |event| {
            // What follows the end is not for us.
            if !is_whole {
                is_whole = reader.event(event, queue)?;
            }
            Ok(())
        });
        self.settle(fed, is_whole);
    }

    /// The body's end.
    fn finish(&mut self) {
        let Self { parser, reader, queue, .. } = self;
        let mut is_whole = false;
        let fed = parser.finish(|event| {
            is_whole = reader.event(event, queue)?;
            Ok(())
        });
        let ended = fed.and_then(|()| if is_whole { Ok(()) } else { reader.end() });
        self.settle(ended, true);
    }

    fn settle(&mut self, result: Outcome<()>, is_whole: bool) {
        match result {
            Err(failure) => self.state = State::Failed(failure),
            Ok(()) if is_whole => {
                self.queue.iter().for_each(|event| self.reckoning.take(event));
                self.reckoning.end(self.reader.usage(), &mut self.queue);
                self.state = State::Whole;
            }
            Ok(()) => self.queue.iter().for_each(|event| self.reckoning.take(event)),
        }
    }

    /// The next piece of the body is read, or its end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let frame = match &mut self.body {
                Some(body) => Pin::new(body).poll_frame(cx),
                None => Poll::Ready(None),
            };
            match frame {
                Poll::Ready(Some(Ok(frame))) => {
                    self.clock.tick();
                    let Ok(data) = frame.into_data() else { continue };
                    self.read(&data);
                    if let (State::Whole, Some(body)) = (&self.state, &mut self.body) {
                        // Its end has most likely come with it: then the connection is free at once.
                        let _ = Pin::new(body).poll_frame(cx);
                    }
                }
                Poll::Ready(Some(Err(error))) => self.state = State::Failed(Failure::unreachable(&error)),
                Poll::Ready(None) => self.finish(),
                Poll::Pending => {
                    let what = ready!(self.clock.poll(cx));
                    self.state = State::Failed(what.into());
                }
            }
            return Poll::Ready(());
        }
    }
}

impl Stream for Events {
    type Item = Result<ChatEvent>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(event) = this.queue.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            match &this.state {
                State::Reading => ready!(this.poll_read(cx)),
                State::Whole | State::Over => return Poll::Ready(None),
                State::Failed(_) => {
                    let State::Failed(failure) = std::mem::replace(&mut this.state, State::Over) else { continue };
                    return Poll::Ready(Some(Err(this.shared.tell(failure))));
                }
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let (State::Whole, Some(mut body)) = (&self.state, self.body.take()) else { return };
        if body.is_end_stream() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // Data after the end of the answer is not waited for.
                let _ = tokio::time::timeout(END_PATIENCE, body.frame()).await;
            });
        }
    }
}

/// How long a stream may take. The timer is set anew when it rings, not with every piece.
struct Clock {
    begun: Instant,
    /// When the last piece came.
    last: Option<Instant>,
    first_byte: f64,
    idle: f64,
    total: f64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    fn new(shared: &Shared, begun: Instant) -> Self {
        let timeouts = shared.client.timeouts();
        let (first_byte, idle, total) = (timeouts.first_byte, timeouts.idle, timeouts.total);
        Self { begun, last: None, first_byte, idle, total, timer: None }
    }

    fn tick(&mut self) {
        self.last = Some(Instant::now());
    }

    /// Time left, and what it means when there is none.
    fn left(&self) -> (Duration, What) {
        let (since, silence) = match self.last {
            Some(last) => (last, self.idle),
            None => (self.begun, self.first_byte),
        };
        let of_silence = seconds(silence).saturating_sub(since.elapsed());
        let of_total = seconds(self.total).saturating_sub(self.begun.elapsed());
        if of_total < of_silence { (of_total, What::TooSlow(self.total)) } else { (of_silence, What::Silent(silence)) }
    }

    /// Ready: the time is up.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<What> {
        loop {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
            }
            let (left, late) = self.left();
            if left.is_zero() {
                return Poll::Ready(late);
            }
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(tokio::time::Instant::now() + left),
                None => self.timer = Some(Box::pin(tokio::time::sleep(left))),
            }
        }
    }
}
