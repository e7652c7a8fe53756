//! What a model has sent so far, counted where it comes in: before rules hold anything back.
//!
//! It does not know prices or limits.

use futures_core::Stream;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;
use yizhan_domain::{Result, Usage};
use yizhan_model::{ChatEvent, EventStream};

/// Bytes of a piece, on average, up to which it is taken for one token.
const LONGEST_TOKEN: u32 = 7;

/// The counts of one answer.
#[derive(Default)]
pub(crate) struct Seen {
    pieces: AtomicU32,
    bytes: AtomicU32,
    usage: Mutex<Option<Usage>>,
    first: OnceLock<Instant>,
}

impl Seen {
    /// Tokens so far, estimated. Most servers stream a token a piece, and a token has three to five bytes on average
    /// (four Latin letters, or a Chinese character and a half): then the pieces are the tokens. Where pieces are longer, some
    /// tokens come together, and a token is taken for four bytes.
    pub(crate) fn output(&self) -> u32 {
        let (pieces, bytes) = (self.pieces.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        if bytes <= pieces.saturating_mul(LONGEST_TOKEN) { pieces } else { pieces.max(bytes / 4) }
    }

    /// When the first content came.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.first.get().copied()
    }

    /// What it took: the model's own count, or else the estimate.
    pub(crate) fn usage(&self, prompt_tokens: u32) -> Usage {
        match *self.usage.lock() {
            Some(usage) if usage.total_tokens() > 0 => usage,
            _ if self.first.get().is_none() => Usage::default(),
            _ => Usage { prompt_tokens, completion_tokens: self.output(), ..Usage::default() },
        }
    }

    fn take(&self, event: &ChatEvent) {
        let text = match event {
            ChatEvent::Text { delta, .. } | ChatEvent::Reasoning { delta, .. } => delta.as_str(),
            ChatEvent::ToolCall { piece, .. } => piece.arguments.as_str(),
            ChatEvent::End { usage } => {
                *self.usage.lock() = Some(*usage);
                return;
            }
            ChatEvent::Extra { .. } | ChatEvent::Finish { .. } => return,
        };
        self.first.get_or_init(Instant::now);
        self.pieces.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(u32::try_from(text.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

/// A stream that is counted.
pub(crate) struct Counted {
    events: EventStream,
    seen: Arc<Seen>,
}

impl Counted {
    pub(crate) fn new(events: EventStream, seen: &Arc<Seen>) -> Self {
        Self { events, seen: Arc::clone(seen) }
    }
}

impl Stream for Counted {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.events.as_mut().poll_next(context));
        if let Some(Ok(event)) = &event {
            self.seen.take(event);
        }
        Poll::Ready(event)
    }
}

#[cfg(test)]
#[path = "seen_tests.rs"]
mod tests;
