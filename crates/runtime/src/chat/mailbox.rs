//! Between the thread that reads requests and the thread that computes.
//!
//! It does not know what runs contain.

use super::answer::Run;
use crate::protocol::CallId;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// New runs and cancellations on their way to the scheduler.
pub(crate) struct Mailbox {
    mail: Mutex<Mail>,
    arrived: Condvar,
    abort: Arc<AtomicBool>,
    room: usize,
}

#[derive(Default)]
struct Mail {
    runs: Vec<Run>,
    cancelled: HashSet<CallId>,
    waiting: usize,
    /// The calls that the batch in computation is for.
    computing: HashSet<CallId>,
    closed: bool,
}

/// What arrived since the last look.
pub(crate) struct Delivery {
    /// In order of arrival.
    pub(crate) runs: Vec<Run>,
    /// Calls whose caller went away.
    pub(crate) cancelled: HashSet<CallId>,
    /// Nothing more will come.
    pub(crate) closed: bool,
}

impl Mailbox {
    /// `abort` ends the batch in computation; at most `room` runs wait.
    pub(crate) fn new(abort: Arc<AtomicBool>, room: usize) -> Self {
        Self { mail: Mutex::default(), arrived: Condvar::new(), abort, room }
    }

    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether so many more may wait. One call with many parts is let in when nothing else waits.
    pub(crate) fn has_room(&self, runs: usize) -> bool {
        let waiting = self.lock().waiting;
        waiting == 0 || waiting + runs <= self.room
    }

    /// Hands runs over.
    pub(crate) fn post(&self, runs: Vec<Run>) {
        let mut mail = self.lock();
        mail.waiting += runs.len();
        mail.runs.extend(runs);
        self.arrived.notify_one();
    }

    /// The caller of this call went away. When the batch in computation is for nobody else, it ends.
    pub(crate) fn cancel(&self, id: CallId) {
        let mut mail = self.lock();
        mail.cancelled.insert(id);
        if !mail.computing.is_empty() && mail.computing.is_subset(&mail.cancelled) {
            self.abort.store(true, Ordering::Relaxed);
        }
        self.arrived.notify_one();
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// `count` runs left the queue.
    pub(crate) fn left_queue(&self, count: usize) {
        let mut mail = self.lock();
        mail.waiting = mail.waiting.saturating_sub(count);
    }

    /// A run went back to the queue.
    pub(crate) fn rejoined_queue(&self) {
        self.lock().waiting += 1;
    }

    /// The batch that begins now is for these calls; an empty set: none is in computation.
    pub(crate) fn computing(&self, calls: HashSet<CallId>) {
        let mut mail = self.lock();
        mail.computing = calls;
        let useless = !mail.computing.is_empty() && mail.computing.is_subset(&mail.cancelled);
        self.abort.store(useless, Ordering::Relaxed);
    }

    /// What arrived; waits for something when `wait` is set.
    pub(crate) fn receive(&self, wait: bool) -> Delivery {
        let mut mail = self.lock();
        while wait && mail.runs.is_empty() && mail.cancelled.is_empty() && !mail.closed {
            mail = self.arrived.wait(mail).unwrap_or_else(PoisonError::into_inner);
        }
        Delivery {
            runs: std::mem::take(&mut mail.runs),
            cancelled: std::mem::take(&mut mail.cancelled),
            closed: mail.closed,
        }
    }
}
