//! One attempt: a target is asked, and followed to its first content.
//!
//! It does not know which target comes next.

use crate::retry::is_the_targets_fault;
use crate::route::Target;
use crate::trail::{Attempt, Outcome, Trail};
use futures_core::Stream;
use futures_util::StreamExt;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_model::{ChatEvent, ChatRequest, EventStream};
use yizhan_telemetry::{Heard, Outgoing, TraceContext};

/// What an attempt came to.
pub(crate) enum Begun {
    /// Content is there, or the end of an empty answer.
    Answer(EventStream),
    /// It failed before any content.
    Failed(Error),
    /// Its breaker is open: it was not asked.
    Resting,
}

/// Asks the target. A `wait` is for its first content.
pub(crate) async fn begin(
    target: &Arc<Target>,
    request: &ChatRequest,
    wait: Option<Duration>,
    trail: &Trail,
    last_resort: bool,
) -> Begun {
    let Some(leave) = target.breaker.enter() else { return Begun::Resting };
    let place = trail.place();
    let mut note = Note::new(target, trail, last_resort, place.as_ref().map(Outgoing::context));
    let open = Open::count(target);
    let heard = note.heard.clone();
    let content = heard.along(Outgoing::along(place, first_content(target, request)));
    let begun = match wait {
        None => content.await,
        Some(wait) => match tokio::time::timeout(wait, content).await {
            Ok(begun) => begun,
            Err(_) => Err(too_slow(target, wait)),
        },
    };
    match begun {
        Ok((before, events)) => {
            leave.succeeded();
            note.outcome = Outcome::Answered;
            Begun::Answer(Box::pin(Followed { before, events, open }))
        }
        Err(error) => {
            note.outcome = Outcome::Failed(error.code());
            if is_the_targets_fault(&error) {
                leave.failed()
            } else {
                leave.succeeded()
            }
            tracing::warn!(provider = &*target.provider, model = %target.model.name(), code = error.code().as_str(), %error, "an attempt failed");
            Begun::Failed(error)
        }
    }
}

/// Events up to and including the first content, and the stream of the others.
async fn first_content(target: &Target, request: &ChatRequest) -> Result<(VecDeque<ChatEvent>, EventStream)> {
    let mut events = target.model.generate(request).await?;
    let mut before = VecDeque::new();
    loop {
        match events.next().await {
            Some(Ok(event)) => {
                let is_content = is_content(&event);
                before.push_back(event);
                if is_content {
                    return Ok((before, events));
                }
            }
            Some(Err(error)) => return Err(error),
            None => {
                let message = format!("The provider '{}' ended its answer before it began.", target.provider);
                return Err(Error::new(ErrorCode::ProviderFailed, message));
            }
        }
    }
}

fn is_content(event: &ChatEvent) -> bool {
    match event {
        ChatEvent::Text { delta, .. } | ChatEvent::Reasoning { delta, .. } => !delta.is_empty(),
        ChatEvent::ToolCall { .. } | ChatEvent::Finish { .. } | ChatEvent::End { .. } => true,
        // A role, a fingerprint: nothing that the caller would miss if another model answered.
        ChatEvent::Extra { .. } => false,
    }
}

fn too_slow(target: &Target, wait: Duration) -> Error {
    let message = format!("The provider '{}' gave no content within {} ms.", target.provider, wait.as_millis());
    Error::new(ErrorCode::Timeout, message)
}

/// Writes the attempt into the trail when it is dropped, also when its future was.
struct Note<'a> {
    target: &'a Target,
    trail: &'a Trail,
    began: Instant,
    last_resort: bool,
    place: Option<TraceContext>,
    outcome: Outcome,
    heard: Heard,
}

impl<'a> Note<'a> {
    fn new(target: &'a Target, trail: &'a Trail, last_resort: bool, place: Option<TraceContext>) -> Self {
        let (began, outcome, heard) = (Instant::now(), Outcome::Abandoned, Heard::default());
        Self { target, trail, began, last_resort, place, outcome, heard }
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        self.trail.add(Attempt {
            provider: Arc::clone(&self.target.provider),
            model: self.target.model.name().clone(),
            outcome: self.outcome,
            status: self.heard.status(),
            began: self.began,
            took: self.began.elapsed(),
            last_resort: self.last_resort,
            place: self.place,
        });
    }
}

/// Counts a call as open until it is dropped.
struct Open(Arc<Target>);

impl Open {
    fn count(target: &Arc<Target>) -> Self {
        target.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(target))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer that has begun. A failure in its middle counts against its target too.
struct Followed {
    before: VecDeque<ChatEvent>,
    events: EventStream,
    open: Open,
}

impl Stream for Followed {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(event) = self.before.pop_front() {
            return Poll::Ready(Some(Ok(event)));
        }
        let event = ready!(self.events.as_mut().poll_next(context));
        if let Some(Err(error)) = &event
            && is_the_targets_fault(error)
            && let Some(leave) = self.open.0.breaker.enter()
        {
            leave.failed();
        }
        Poll::Ready(event)
    }
}
