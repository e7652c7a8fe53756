//! A reply's body that keeps something until it is done with: sent to its end, or given up.
//!
//! It does not know what it keeps.

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body, and what is dropped with it. Hyper drops it once the last byte is in its own buffer.
#[derive(Debug)]
pub(crate) struct Keeping<T> {
    body: Body,
    #[expect(dead_code, reason = "it ends when it is dropped")]
    kept: T,
}

impl<T> Keeping<T> {
    pub(crate) fn new(body: Body, kept: T) -> Self {
        Self { body, kept }
    }
}

impl<T: Unpin> HttpBody for Keeping<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
