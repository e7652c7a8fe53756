//! A body for what hyper refuses by itself.
//!
//! A head that is no HTTP, or that is too long, never reaches a route: hyper answers it with a bare status and
//! closes the connection. Between replies nothing else is ever written, so that such an answer is known for certain
//! and gets the same form as every other error. While a reply is under way nothing is looked at: its bytes may be
//! anything. So a bare status stays bare where it is written together with the end of the reply before it, as happens
//! to a client that is slow to read.

use crate::keeping::Keeping;
use axum::response::Response;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use yizhan_dialect::openai;
use yizhan_domain::{Error, ErrorCode};

/// Nothing of a reply is still to be written.
const BETWEEN: u8 = 0;
/// A request came through; its reply is not whole yet.
const REPLYING: u8 = 1;
/// Hyper has all of the reply, and may not have written it yet.
const REPLIED: u8 = 2;

/// Whose turn it is on a connection. Cheap to clone; all clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn(Arc<AtomicU8>);

impl Turn {
    /// A request came through: its reply is under way until the guard is dropped.
    pub(crate) fn begin(&self) -> Replying {
        self.0.store(REPLYING, Relaxed);
        Replying(self.clone())
    }

    /// All that hyper had was written.
    fn written(&self) {
        // Hyper says so too before it has anything: of an unfinished reply it means nothing.
        if self.0.load(Relaxed) == REPLIED {
            self.0.store(BETWEEN, Relaxed);
        }
    }

    fn is_between(&self) -> bool {
        self.0.load(Relaxed) == BETWEEN
    }
}

/// A reply under way.
#[derive(Debug)]
pub(crate) struct Replying(Turn);

impl Replying {
    /// The reply, which is under way until hyper is done with its body.
    pub(crate) fn with(self, response: Response) -> axum::http::Response<Keeping<Self>> {
        response.map(|body| Keeping::new(body, self))
    }
}

impl Drop for Replying {
    fn drop(&mut self) {
        self.0.0.store(REPLIED, Relaxed);
    }
}

/// A connection on which refused heads get a body.
pub(crate) struct Refusing<S> {
    stream: S,
    turn: Turn,
    /// What is written in the place of a bare refusal, and how much of it has been.
    told: Option<(Vec<u8>, usize)>,
}

impl<S> Refusing<S> {
    /// Around a connection; who serves it begins a turn with each request.
    pub(crate) fn new(stream: S, turn: Turn) -> Self {
        Self { stream, turn, told: None }
    }
}

/// The answer that stands in the place of hyper's own.
fn answer(bare: &[u8]) -> Option<Vec<u8>> {
    let status = std::str::from_utf8(bare.strip_prefix(b"HTTP/1.1 ")?.get(..3)?).ok()?;
    let is_whole = bare.ends_with(b"\r\n\r\n");
    let (code, message) = match status {
        "400" => {
            (ErrorCode::InvalidRequest, "This is no HTTP/1.1 request that could be read; the connection is closed.")
        }
        "414" => (ErrorCode::InvalidRequest, "The URL is too long. Put what is long into the body."),
        "431" => (ErrorCode::TooLarge, "The headers are too many or too long. Send fewer than 100, and 400 KB in all."),
        _ => return None,
    };
    let first_line = bare.split(|byte| *byte == b'\r').next().filter(|_| is_whole)?;
    let body = openai::error_body(&Error::new(code, message)).to_string();
    let head =
        format!("\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    Some([first_line, head.as_bytes(), body.as_bytes()].concat())
}

impl<S: AsyncWrite + Unpin> Refusing<S> {
    /// Writes the answer in the place of `bare`, once that is known to be one; none: it is not.
    fn poll_refuse(&mut self, context: &mut Context<'_>, bare: &[u8]) -> Option<Poll<Result<usize>>> {
        if self.told.is_none() {
            self.told = self.turn.is_between().then(|| answer(bare))?.map(|answer| (answer, 0));
        }
        let (answer, written) = self.told.as_mut()?;
        while *written < answer.len() {
            match Pin::new(&mut self.stream).poll_write(context, &answer[*written..]) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Ok(0))),
                Poll::Ready(Ok(more)) => *written += more,
                other => return Some(other),
            }
        }
        Some(Poll::Ready(Ok(bare.len())))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Refusing<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Refusing<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        match self.poll_refuse(context, bytes) {
            Some(polled) => polled,
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        if let [bytes] = slices
            && let Some(polled) = self.poll_refuse(context, bytes)
        {
            return polled;
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        // Hyper flushes once it has written all that it had.
        self.turn.written();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
