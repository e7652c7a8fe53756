//! A queue that is fair among tenants by what their calls cost, in front of a limited number of
//! calls at once. The limit may adapt to what the models behind it can bear.
//!
//! It does not know what a cost is made of. Fairness is start-time fair queueing (Goyal, Vin,
//! Cheng 1996): a tenant with ten times the load waits for itself, not the others for it. The limit
//! grows by addition and shrinks by multiplication (AIMD), as TCP's window.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use yizhan_domain::{Error, ErrorCode, Result, TenantId};

/// How many calls go on at once, and how many wait.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueSettings {
    /// Calls at once, at first and at least.
    pub least: u32,
    /// Calls at once, at most; the limit moves between both.
    pub most: u32,
    /// Calls of one tenant that may wait.
    pub waiting: usize,
    /// A call that waited so many milliseconds is refused.
    pub patience_ms: u64,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self { least: 16, most: 1_024, waiting: 256, patience_ms: 10_000 }
    }
}

/// What a call that went on says about the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It went well: more may go on at once.
    Good,
    /// It was refused for load or took too long: less.
    Overloaded,
    /// It says nothing (the caller went away, the request was wrong).
    Nothing,
}

/// The queue. Cheap to clone; all clones are the same queue.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

struct Shared {
    settings: QueueSettings,
    inner: Mutex<Inner>,
}

struct Inner {
    limit: f64,
    running: usize,
    /// Start tag of the call that went on last.
    now: u64,
    arrivals: u64,
    waiting: BinaryHeap<Reverse<Waiter>>,
    tenants: HashMap<TenantId, Lane>,
}

#[derive(Default)]
struct Lane {
    /// Where this tenant's next call may start, in units of cost.
    finish: u64,
    waiting: usize,
}

struct Waiter {
    start: u64,
    arrival: u64,
    tenant: TenantId,
    go: oneshot::Sender<Slot>,
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Waiter {}
impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.start, self.arrival).cmp(&(other.start, other.arrival))
    }
}

/// A place among the calls that go on. Dropping it gives the place to the next.
#[must_use = "the place is given on when this is dropped"]
pub struct Slot {
    /// None: the place was given back already.
    shared: Option<Arc<Shared>>,
    verdict: Verdict,
}

impl Slot {
    /// What the call says about the limit; nothing, when this is not called.
    pub fn judge(&mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.leave(self.verdict);
        }
    }
}

impl Queue {
    /// An empty queue.
    pub fn new(settings: QueueSettings) -> Self {
        let inner = Inner {
            limit: f64::from(settings.least.max(1)),
            running: 0,
            now: 0,
            arrivals: 0,
            waiting: BinaryHeap::new(),
            tenants: HashMap::new(),
        };
        Self(Arc::new(Shared { settings, inner: Mutex::new(inner) }))
    }

    /// Waits for a place. `cost` is any measure of the call's work, its tokens for example.
    /// `Overloaded` when too many of the tenant's calls wait already, or it took too long. Dropping
    /// the future leaves the queue.
    pub async fn enter(&self, tenant: &TenantId, cost: u64) -> Result<Slot> {
        let shared = &self.0;
        let gone = {
            let mut inner = shared.inner.lock();
            if inner.running < inner.limit as usize && inner.waiting.is_empty() {
                let start = inner.tag(tenant, cost);
                inner.now = inner.now.max(start);
                inner.running += 1;
                return Ok(shared.slot());
            }
            if inner.tenants.get(tenant).is_some_and(|lane| lane.waiting >= shared.settings.waiting) {
                return Err(overloaded("Too many of your calls are waiting already"));
            }
            inner.wait(tenant, cost)
        };
        match tokio::time::timeout(Duration::from_millis(shared.settings.patience_ms), gone).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) => Err(Error::internal("the queue's end was lost")),
            Err(_) => Err(overloaded("The call waited too long for its turn")),
        }
    }

    /// Calls that go on, calls that wait, and the present limit.
    pub fn state(&self) -> (usize, usize, usize) {
        let inner = self.0.inner.lock();
        let waiting = inner.waiting.iter().filter(|waiter| !waiter.0.go.is_closed()).count();
        (inner.running, waiting, inner.limit as usize)
    }
}

fn overloaded(what: &str) -> Error {
    Error::new(ErrorCode::Overloaded, format!("{what}; try again shortly.")).retry_after(Duration::from_secs(1))
}

impl Shared {
    fn slot(self: &Arc<Self>) -> Slot {
        Slot { shared: Some(Arc::clone(self)), verdict: Verdict::Nothing }
    }

    fn leave(self: &Arc<Self>, verdict: Verdict) {
        let mut inner = self.inner.lock();
        inner.adapt(verdict, &self.settings);
        inner.running -= 1;
        while inner.running < inner.limit as usize {
            let Some(Reverse(next)) = inner.waiting.pop() else { break };
            inner.forget(&next.tenant);
            inner.now = inner.now.max(next.start);
            inner.running += 1;
            if let Err(mut slot) = next.go.send(self.slot()) {
                // Its caller went away. Leaving here would lock once more.
                slot.shared = None;
                inner.running -= 1;
            }
        }
    }
}

impl Inner {
    /// The start tag of a tenant's next call.
    fn tag(&mut self, tenant: &TenantId, cost: u64) -> u64 {
        if self.tenants.len() > 1_024 {
            // Lanes that lie in the past say nothing.
            let now = self.now;
            self.tenants.retain(|_, lane| lane.waiting > 0 || lane.finish > now);
        }
        let now = self.now;
        let lane = match self.tenants.get_mut(tenant) {
            Some(lane) => lane,
            None => self.tenants.entry(tenant.clone()).or_default(),
        };
        let start = lane.finish.max(now);
        lane.finish = start.saturating_add(cost.max(1));
        start
    }

    fn wait(&mut self, tenant: &TenantId, cost: u64) -> oneshot::Receiver<Slot> {
        let start = self.tag(tenant, cost);
        if let Some(lane) = self.tenants.get_mut(tenant) {
            lane.waiting += 1;
        }
        let (go, gone) = oneshot::channel();
        self.arrivals += 1;
        self.waiting.push(Reverse(Waiter { start, arrival: self.arrivals, tenant: tenant.clone(), go }));
        gone
    }

    fn forget(&mut self, tenant: &TenantId) {
        if let Some(lane) = self.tenants.get_mut(tenant) {
            lane.waiting -= 1;
        }
    }

    fn adapt(&mut self, verdict: Verdict, settings: &QueueSettings) {
        let (least, most) = (f64::from(settings.least.max(1)), f64::from(settings.most.max(settings.least).max(1)));
        match verdict {
            // Only a limit that is reached tells whether more would go well.
            Verdict::Good if self.running + 1 >= self.limit as usize => self.limit += 1.0 / self.limit,
            Verdict::Good | Verdict::Nothing => {}
            Verdict::Overloaded => self.limit *= 0.9,
        }
        self.limit = self.limit.clamp(least, most);
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
