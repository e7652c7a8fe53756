//! A request's body whose sender may neither fall silent nor trickle for ever.
//!
//! Two limits: no pause is longer than the patience, and the whole body comes within the patience and a second more for
//! every so many bytes of it. What has arrived is always taken; the clock is asked only while nothing is there. It does
//! not know what the body means.

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use yizhan_domain::{Error, ErrorCode};

/// A body that fails with [`ErrorCode::RequestTimeout`] when it comes too slowly.
pub(crate) struct Paced<B> {
    body: B,
    patience: Duration,
    /// Bytes a second.
    rate: u32,
    /// When it was first waited for.
    begun: Option<Instant>,
    bytes: u64,
    /// What the wait under way ends with; none: nothing is waited for.
    late: Option<Late>,
    /// Kept from wait to wait.
    sleep: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy)]
enum Late {
    Silent,
    Slow,
}

impl<B> Paced<B> {
    /// Around a body; the rate is in bytes a second.
    pub(crate) fn new(body: B, patience: Duration, rate: u32) -> Self {
        Self { body, patience, rate, begun: None, bytes: 0, late: None, sleep: None }
    }

    /// Ready when the sender has been waited for too long.
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        if self.late.is_none() {
            self.wait();
        }
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(context));
        }
        Poll::Ready(self.error())
    }

    /// Begins a wait.
    fn wait(&mut self) {
        let now = Instant::now();
        let begun = *self.begun.get_or_insert(now);
        let earned = Duration::from_millis(self.bytes.saturating_mul(1000) / u64::from(self.rate.max(1)));
        let (silent, slow) = (now + self.patience, begun + self.patience + earned);
        let (until, late) = if slow < silent { (slow, Late::Slow) } else { (silent, Late::Silent) };
        self.late = Some(late);
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(until),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(until))),
        }
    }

    fn error(&self) -> Error {
        let (seconds, rate) = (self.patience.as_secs_f32(), self.rate);
        let message = match self.late {
            Some(Late::Slow) => format!(
                "The body came too slowly: {} bytes so far. It has {seconds} seconds and one more for every {rate} \
                 bytes; send it again, faster.",
                self.bytes
            ),
            _ => format!("No part of the body came for {seconds} seconds; send it again."),
        };
        Error::new(ErrorCode::RequestTimeout, message)
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(polled) = Pin::new(&mut self.body).poll_frame(context) else {
            return self.poll_late(context).map(|error| Some(Err(error.into())));
        };
        self.late = None;
        if let Some(Ok(frame)) = &polled {
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(polled.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The error of a paced body among the causes of another, if it is there.
pub(crate) fn too_late(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref::<Error>()).cloned()
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
