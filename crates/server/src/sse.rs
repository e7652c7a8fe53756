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

/// A reply that sends each text as one event, as soon as there is one.
pub(crate) fn response(texts: impl Stream<Item = String> + Send + Unpin + 'static, keep_alive: Duration) -> Response {
    let events = Events { texts, keep_alive, silence: Box::pin(tokio::time::sleep(keep_alive)) };
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies such as nginx hold small replies back unless told not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

struct Events<S> {
    texts: S,
    keep_alive: Duration,
    silence: Pin<Box<Sleep>>,
}

impl<S: Stream<Item = String> + Unpin> Stream for Events<S> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let frame = match Pin::new(&mut self.texts).poll_next(context) {
            Poll::Ready(Some(text)) => event(&text),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {
                if self.silence.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                Bytes::from_static(b": keep-alive\n\n")
            }
        };
        let next = Instant::now() + self.keep_alive;
        self.silence.as_mut().reset(next);
        Poll::Ready(Some(Ok(frame)))
    }
}

/// `data: …`; the text has no line breaks, as JSON written in one line has none.
fn event(text: &str) -> Bytes {
    let mut frame = String::with_capacity(text.len() + 8);
    frame.push_str("data: ");
    frame.push_str(text);
    frame.push_str("\n\n");
    Bytes::from(frame)
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
