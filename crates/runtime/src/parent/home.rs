//! The place of one model: at most one worker, started by the first call, replaced when it died.
//!
//! It does not know what calls ask.

use super::link::{Call, Link};
use crate::protocol::{CallId, Facts, Request, Settings};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_process::{Limits, Program};

/// After the second death in a row; doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a worker is started with.
pub(super) struct Home {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) settings: Settings,
    program: Program,
    limits: Limits,
    state: Mutex<State>,
    context: AtomicU32,
}

#[derive(Default)]
struct State {
    link: Option<Arc<Link>>,
    /// Deaths since the last call that went well.
    deaths: u32,
    not_before: Option<Instant>,
}

impl Home {
    /// A place without a worker yet.
    pub(super) fn new(program: Program, kind: &'static str, name: String, limits: Limits, settings: Settings) -> Self {
        let context = AtomicU32::new(settings.context);
        Self { name, kind, settings, program, limits, state: Mutex::default(), context }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call, starting a worker if there is none.
    pub(super) fn call(&self, make: impl FnOnce(CallId) -> Request) -> Result<Call> {
        self.link()?.call(make)
    }

    fn link(&self) -> Result<Arc<Link>> {
        let mut state = self.state();
        if let Some(link) = &state.link {
            match link.end() {
                None => return Ok(Arc::clone(link)),
                Some(end) => state.bury(&end, Instant::now()),
            }
        }
        if let Some(pause) = state.not_before.and_then(|time| time.checked_duration_since(Instant::now())) {
            let message = format!(
                "The worker process of model '{}' died {} times in a row. The next attempt is made in {} s; see the log \
                 for the reason, or choose a smaller model or context.",
                self.name,
                state.deaths,
                pause.as_secs() + 1
            );
            return Err(Error::new(ErrorCode::WorkerFailed, message));
        }
        let link = Link::start(&self.program, self.kind, &self.name, self.limits, self.settings.clone())?;
        state.link = Some(Arc::clone(&link));
        Ok(link)
    }

    /// A call went well: the worker is sound, and what it said about its model is noted.
    pub(super) fn went_well(&self, call: &Call) {
        let mut state = self.state();
        (state.deaths, state.not_before) = (0, None);
        if let Some(facts) = call.link().facts() {
            self.context.store(facts.context, Ordering::Relaxed);
        }
    }

    /// Most tokens of one conversation or text, as far as known.
    pub(super) fn context(&self) -> u32 {
        self.context.load(Ordering::Relaxed)
    }

    /// The running worker, if any.
    pub(super) fn running(&self) -> Option<Arc<Link>> {
        self.state().link.clone().filter(|link| link.end().is_none())
    }

    /// Ends the worker if nothing was asked of it since `limit` before `now`.
    pub(super) fn end_idle(&self, now: Instant, limit: Duration) {
        let mut state = self.state();
        let idle = state.link.as_ref().and_then(|link| link.idle_since());
        if idle.is_some_and(|since| now.saturating_duration_since(since) >= limit) {
            let why = format!("The worker process of model '{}' was idle and ended.", self.name);
            // A call that came in between keeps it.
            if state.link.as_ref().is_some_and(|link| link.stop(Error::new(ErrorCode::WorkerFailed, why), true)) {
                state.link = None;
            }
        }
    }

    /// Ends the worker; calls in flight fail.
    pub(super) fn stop(&self) {
        let link = self.state().link.take();
        if let Some(link) = link {
            let why = format!("Model '{}' was stopped. Repeat the call to start it again.", self.name);
            link.stop(Error::new(ErrorCode::WorkerFailed, why), false);
        }
    }

    /// What the running worker said about its model.
    pub(super) fn facts(&self) -> Option<Facts> {
        self.running().and_then(|link| link.facts().cloned())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Here and not with the link's last owner, which may be its reading thread some time later.
        self.stop();
    }
}

impl State {
    /// Forgets a dead worker; a crash counts, a model that cannot be loaded does not: it may be pulled meanwhile.
    fn bury(&mut self, end: &Error, now: Instant) {
        self.link = None;
        if end.code() == ErrorCode::WorkerFailed {
            self.deaths += 1;
            self.not_before = pause_after(self.deaths).map(|pause| now + pause);
        }
    }
}

/// None after the first death: most deaths are the last for long.
fn pause_after(deaths: u32) -> Option<Duration> {
    let doublings = deaths.checked_sub(2)?;
    Some(FIRST_PAUSE.saturating_mul(1 << doublings.min(10)).min(LONGEST_PAUSE))
}

#[cfg(test)]
#[path = "home_tests.rs"]
mod tests;
