//! A request that is traced, and where its spans gather until the last of those who know it lets go.
//!
//! It does not know what spans are about.

use super::context::TraceContext;
use super::exporter::{Content, Shared};
use super::otlp::Span;
use super::outgoing::Outgoing;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A request's place in a trace. Cheap to clone; where it is not sampled it holds nothing more.
#[derive(Clone)]
pub struct Traced {
    context: TraceContext,
    state: Option<Arc<str>>,
    is_told: bool,
    gathered: Option<Arc<Gathered>>,
}

/// The spans of one request. Whoever lets go last sends them off.
pub(super) struct Gathered {
    shared: Arc<Shared>,
    /// The same moment on two clocks: one that others understand, one that never jumps.
    wall_ns: u64,
    anchor: Instant,
    spans: Mutex<Vec<Span>>,
}

impl Gathered {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_ns = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        Self { shared, wall_ns, anchor: Instant::now(), spans: Mutex::default() }
    }

    fn time_ns(&self, at: Instant) -> u64 {
        let narrow = |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        match at.checked_duration_since(self.anchor) {
            Some(after) => self.wall_ns.saturating_add(narrow(after)),
            None => self.wall_ns.saturating_sub(narrow(self.anchor.duration_since(at))),
        }
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.shared.take(std::mem::take(self.spans.get_mut()));
    }
}

impl Traced {
    pub(super) fn new(
        context: TraceContext,
        state: Option<Arc<str>>,
        is_told: bool,
        gathered: Option<Arc<Gathered>>,
    ) -> Self {
        Self { context, state, is_told, gathered }
    }

    /// The place itself.
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// Are spans wanted?
    pub fn is_recorded(&self) -> bool {
        self.gathered.is_some()
    }

    /// Which texts of calls are wanted.
    pub fn content(&self) -> Content {
        self.gathered.as_ref().map_or(Content::None, |gathered| gathered.shared.content)
    }

    /// What requests to others say.
    pub fn outgoing(&self) -> Outgoing {
        Outgoing::new(self.context, self.state.clone(), self.is_told)
    }

    /// The same request, one span deeper.
    pub(super) fn child(&self) -> Self {
        Self { context: self.context.child(), ..self.clone() }
    }

    pub(super) fn shared(&self) -> Option<&Shared> {
        self.gathered.as_deref().map(|gathered| &*gathered.shared)
    }

    /// Nanoseconds since 1970.
    pub(super) fn time_ns(&self, at: Instant) -> u64 {
        self.gathered.as_ref().map_or(0, |gathered| gathered.time_ns(at))
    }

    pub(super) fn add(&self, spans: impl IntoIterator<Item = Span>) {
        if let Some(gathered) = &self.gathered {
            gathered.spans.lock().extend(spans);
        }
    }
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traced").field(&self.context).finish()
    }
}
