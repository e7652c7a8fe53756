//! A kept answer as a stream again.
//!
//! It does not know rules or prices: whoever gives it out puts it through today's.

use crate::answer::Answer;
use futures_core::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;
use yizhan_domain::Result;
use yizhan_model::{ChatEvent, EventStream};

/// How a kept answer is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Text in one piece: for callers who do not read it as it comes.
    AtOnce,
    /// In pieces of some words, with this pause between two; none, when it is zero.
    Pieces {
        /// Between two pieces.
        pause: Duration,
    },
}

/// Letters of a piece, about three tokens. A Chinese character counts as four.
const PIECE: usize = 12;
/// A word longer than this is cut.
const LONGEST: usize = 48;

impl Answer {
    /// The events again, ending with [`Answer::usage_of_hit`].
    pub fn stream(self: Arc<Self>, pace: Pace) -> EventStream {
        Box::pin(Replay { answer: self, pace, event: 0, at: 0, pause: None })
    }
}

struct Replay {
    answer: Arc<Answer>,
    pace: Pace,
    /// The event that comes next.
    event: usize,
    /// So much of its text has gone out.
    at: usize,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Replay {
    fn next(&mut self) -> Option<ChatEvent> {
        let answer = Arc::clone(&self.answer);
        let Some(event) = answer.events.get(self.event) else {
            let first_after = self.event == answer.events.len();
            self.event += usize::from(first_after);
            return first_after.then(|| ChatEvent::End { usage: answer.usage_of_hit() });
        };
        let event = match event {
            ChatEvent::Text { choice, delta } => ChatEvent::Text { choice: *choice, delta: self.piece(delta) },
            ChatEvent::Reasoning { choice, delta } => {
                ChatEvent::Reasoning { choice: *choice, delta: self.piece(delta) }
            }
            other => {
                self.event += 1;
                other.clone()
            }
        };
        if let (Pace::Pieces { pause }, true) = (self.pace, self.at > 0)
            && !pause.is_zero()
        {
            self.pause = Some(Box::pin(tokio::time::sleep(pause)));
        }
        Some(event)
    }

    /// The next piece of a text, and on to the next event after its last.
    fn piece(&mut self, text: &str) -> String {
        let end = match self.pace {
            Pace::AtOnce => text.len(),
            Pace::Pieces { .. } => end_of_piece(text, self.at),
        };
        let piece = text[self.at..end].to_owned();
        self.at = end;
        if end >= text.len() {
            self.event += 1;
            self.at = 0;
        }
        piece
    }
}

/// Where the piece that begins at `from` ends: before white space or between Chinese characters, where that is
/// near.
fn end_of_piece(text: &str, from: usize) -> usize {
    let mut size = 0;
    for (at, letter) in text[from..].char_indices() {
        let breaks = letter.is_whitespace() || letter >= '\u{2e80}';
        if (size >= PIECE && breaks) || size >= LONGEST {
            return from + at;
        }
        size += if letter >= '\u{2e80}' { 4 } else { 1 };
    }
    text.len()
}

impl Stream for Replay {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        Poll::Ready(self.next().map(Ok))
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
