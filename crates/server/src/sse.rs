//! Server-sent events: framing, and comments that keep an idle connection open.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use yizhan_dialect::NamedEvent;

/// One event: its name, where the dialect gives it one, and its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) name: Option<&'static str>,
    pub(crate) data: String,
}

impl From<String> for Frame {
    fn from(data: String) -> Self {
        Self { name: None, data }
    }
}

impl From<NamedEvent> for Frame {
    fn from(event: NamedEvent) -> Self {
        Self { name: Some(event.name), data: event.data }
    }
}

/// Events that are ready together leave together, up to about so many bytes.
const TOGETHER: usize = 16 << 10;

/// A reply that sends each frame as one event, as soon as there is one.
pub(crate) fn response(frames: impl Stream<Item = Frame> + Send + Unpin + 'static, keep_alive: Duration) -> Response {
    let events = Events { frames, ended: false, keep_alive, silence: Box::pin(tokio::time::sleep(keep_alive)) };
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies such as nginx hold small replies back unless told not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

struct Events<S> {
    frames: S,
    ended: bool,
    keep_alive: Duration,
    silence: Pin<Box<Sleep>>,
}

impl<S: Stream<Item = Frame> + Unpin> Stream for Events<S> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        let mut bytes = String::new();
        while bytes.len() < TOGETHER {
            match Pin::new(&mut this.frames).poll_next(context) {
                Poll::Ready(Some(frame)) => write(&frame, &mut bytes),
                Poll::Ready(None) => {
                    this.ended = true;
                    break;
                }
                Poll::Pending => break,
            }
        }
        if bytes.is_empty() {
            if this.ended {
                return Poll::Ready(None);
            }
            if this.silence.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            bytes.push_str(": keep-alive\n\n");
        }
        this.silence.as_mut().reset(Instant::now() + this.keep_alive);
        Poll::Ready(Some(Ok(Bytes::from(bytes))))
    }
}

/// `event: …`, `data: …`; the data has no line breaks, as JSON written in one line has none.
fn write(frame: &Frame, bytes: &mut String) {
    bytes.reserve(frame.data.len() + 48);
    if let Some(name) = frame.name {
        bytes.push_str("event: ");
        bytes.push_str(name);
        bytes.push('\n');
    }
    bytes.push_str("data: ");
    bytes.push_str(&frame.data);
    bytes.push_str("\n\n");
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
