//! Threads that own something whose use blocks (a connection, a directory), behind a handle that
//! async code calls.
//!
//! They do not know what they own.

use crate::fault::Fault;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};
use yizhan_domain::{Error, Result};

type Task<S> = Box<dyn FnOnce(&mut S) + Send>;

/// So many calls may wait before callers do.
const QUEUE: usize = 256;

/// One thread for each state; a call runs on whichever is free. Dropping the handle lets the
/// calls that were accepted end, and waits for them.
pub(crate) struct Threads<S> {
    sender: Option<mpsc::Sender<Task<S>>>,
    threads: Vec<JoinHandle<()>>,
}

impl<S: Send + 'static> Threads<S> {
    pub(crate) fn start(name: &str, states: Vec<S>) -> Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::with_capacity(states.len());
        for state in states {
            let receiver = receiver.clone();
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || run(&receiver, state))
                .map_err(|cause| Error::io(format!("Starting the thread '{name}'"), cause))?;
            threads.push(thread);
        }
        Ok(Self { sender: Some(sender), threads })
    }

    /// Runs `work` on one of the threads. A caller that stops waiting before the work began takes
    /// it back; work that began is done.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut S) -> std::result::Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task: Task<S> = Box::new(move |state| {
            if !reply.is_closed() {
                // A caller that went away meanwhile needs no answer.
                let _ = reply.send(work(state).map_err(Error::from));
            }
        });
        let sender = self.sender.as_ref().ok_or_else(stopped)?;
        sender.send(task).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| Error::internal("The store gave up on a call; its log has the reason."))?
    }
}

impl<S> Drop for Threads<S> {
    fn drop(&mut self) {
        self.sender = None;
        for thread in self.threads.drain(..) {
            // It catches panics itself, so there is no outcome to look at.
            let _ = thread.join();
        }
    }
}

fn run<S>(receiver: &Mutex<mpsc::Receiver<Task<S>>>, mut state: S) {
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(task) = next else { return };
        // A transaction that is left by a panic rolls itself back, so the state stays usable.
        if catch_unwind(AssertUnwindSafe(|| task(&mut state))).is_err() {
            tracing::error!("a call to the store panicked");
        }
    }
}

fn stopped() -> Error {
    Error::internal("The store is shut down.")
}
