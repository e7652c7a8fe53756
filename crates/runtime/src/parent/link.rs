//! One running worker: calls in, replies out, each call with a channel of its own.
//!
//! It does not know when a worker is started or replaced.

use crate::protocol::{CallId, Facts, Reply, Request, Settings};
use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak, mpsc};
use std::time::{Instant, SystemTime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_process::{ChildReader, Killer, Limits, Program};

/// A reply with the frame's body.
type Answer = Result<(Reply, Vec<u8>)>;

/// A running worker. Dropping it ends the process.
pub(super) struct Link {
    name: String,
    killer: Killer,
    requests: mpsc::Sender<Request>,
    calls: Mutex<Calls>,
    next_call: AtomicU64,
    facts: OnceLock<Facts>,
    started: SystemTime,
}

struct Calls {
    open: HashMap<CallId, UnboundedSender<Answer>>,
    total: u64,
    last_used: Instant,
    /// Why the worker takes no more calls.
    end: Option<Error>,
}

impl Link {
    /// Starts a worker and tells it what to load. It takes calls at once; they wait for the model.
    pub(super) fn start(
        program: &Program,
        kind: &str,
        name: &str,
        limits: Limits,
        settings: Settings,
    ) -> Result<Arc<Self>> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorCode::WorkerFailed, format!("No worker for model '{name}' can be started ({error})."))
        };
        let (mut writer, reader, killer) = program.spawn(kind, limits).map_err(failed)?.split();
        let (requests, outbox) = mpsc::channel::<Request>();
        let calls = Calls { open: HashMap::new(), total: 0, last_used: Instant::now(), end: None };
        let link = Arc::new(Self {
            name: name.to_owned(),
            killer,
            requests,
            calls: Mutex::new(calls),
            next_call: AtomicU64::new(1),
            facts: OnceLock::new(),
            started: SystemTime::now(),
        });
        link.post(Request::Open(settings));
        let thread = |what: &str| std::thread::Builder::new().name(format!("{what} {name}"));
        // Ends when the link is dropped, or at the first write to a dead worker.
        let writing = thread("to").spawn(move || {
            for request in outbox {
                if writer.send(&request, &[]).is_err() {
                    return;
                }
            }
        });
        let weak = Arc::downgrade(&link);
        let reading = thread("from").spawn(move || read(reader, &weak));
        writing.and(reading).map_err(failed)?;
        Ok(link)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, request: Request) {
        // A worker that is gone is noticed by the reading thread.
        let _ = self.requests.send(request);
    }

    /// Begins a call; `make` gets its number.
    pub(super) fn call(self: &Arc<Self>, make: impl FnOnce(CallId) -> Request) -> Result<Call> {
        let id = self.next_call.fetch_add(1, Ordering::Relaxed);
        let (sender, replies) = unbounded_channel();
        {
            let mut calls = self.calls();
            if let Some(end) = &calls.end {
                return Err(end.clone());
            }
            calls.open.insert(id, sender);
            calls.total += 1;
            calls.last_used = Instant::now();
        }
        self.post(make(id));
        Ok(Call { link: Arc::clone(self), id, replies, ended: false })
    }

    /// Why the worker takes no more calls, if so.
    pub(super) fn end(&self) -> Option<Error> {
        self.calls().end.clone()
    }

    /// Since when nothing was asked of it; none while calls are open.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let calls = self.calls();
        calls.open.is_empty().then_some(calls.last_used)
    }

    /// Ends the process; `why` is the error of calls in flight. With `only_idle` nothing happens while calls
    /// are open, and false comes back.
    pub(super) fn stop(&self, why: Error, only_idle: bool) -> bool {
        let mut calls = self.calls();
        if only_idle && !calls.open.is_empty() {
            return false;
        }
        calls.close(why);
        drop(calls);
        self.killer.kill();
        true
    }

    /// The operating system's number of the process.
    pub(super) fn pid(&self) -> u32 {
        self.killer.id()
    }

    /// What the worker said once its model was loaded.
    pub(super) fn facts(&self) -> Option<&Facts> {
        self.facts.get()
    }

    /// When it was started, and how many calls it took.
    pub(super) fn history(&self) -> (SystemTime, u64) {
        (self.started, self.calls().total)
    }

    fn dispatch(&self, reply: Reply, body: Vec<u8>) {
        match reply {
            Reply::Ready(facts) => {
                let _ = self.facts.set(facts);
            }
            Reply::Refused { error } => self.calls().close(error),
            reply => {
                let Some(id) = reply.call() else { return };
                let mut calls = self.calls();
                calls.last_used = Instant::now();
                let sender = if reply.is_last() { calls.open.remove(&id) } else { calls.open.get(&id).cloned() };
                if let Some(sender) = sender {
                    // A receiver that is gone has sent its cancellation.
                    let _ = sender.send(Ok((reply, body)));
                }
            }
        }
    }

    fn ended(&self) {
        let how = match self.killer.wait() {
            Ok(status) => match (status.signal(), status.code()) {
                (Some(9), _) => "was killed (signal 9), perhaps for lack of memory".to_owned(),
                (Some(signal), _) => format!("crashed (signal {signal})"),
                (_, code) => format!("ended (exit status {})", code.unwrap_or_default()),
            },
            Err(error) => format!("is lost ({error})"),
        };
        let message =
            format!("The worker process of model '{}' {how}. A new one starts with the next call.", self.name);
        self.calls().close(Error::new(ErrorCode::WorkerFailed, message));
    }
}

impl Calls {
    /// The first reason stays.
    fn close(&mut self, why: Error) {
        let why = self.end.get_or_insert(why).clone();
        for (_, sender) in self.open.drain() {
            let _ = sender.send(Err(why.clone()));
        }
    }
}

/// The reading thread's work. It holds the link only while it dispatches, so that dropping the last handle ends
/// the process, which ends the pipe, which ends this.
fn read(mut reader: ChildReader, link: &Weak<Link>) {
    while let Ok(Some((reply, body))) = reader.receive::<Reply>() {
        let Some(link) = link.upgrade() else { return };
        link.dispatch(reply, body);
    }
    if let Some(link) = link.upgrade() {
        // Also when the worker talks nonsense: end it, so that waiting for it ends.
        link.killer.kill();
        link.ended();
    }
}

/// A call in progress. Dropping it before its last reply cancels it.
pub(super) struct Call {
    link: Arc<Link>,
    id: CallId,
    replies: UnboundedReceiver<Answer>,
    ended: bool,
}

impl Call {
    /// The next reply. After the last one, or after an error, nothing more may be asked.
    pub(super) fn poll(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Answer> {
        let link = &self.link;
        let ended = &mut self.ended;
        self.replies.poll_recv(context).map(|answer| {
            let answer = answer.unwrap_or_else(|| {
                let lost = || Error::new(ErrorCode::WorkerFailed, "The worker process is gone. Try again.");
                Err(link.end().unwrap_or_else(lost))
            });
            let answer = match answer {
                Ok((Reply::Error { error, .. }, _)) => Err(error),
                answer => answer,
            };
            *ended = answer.as_ref().map_or(true, |(reply, _)| reply.is_last());
            answer
        })
    }

    /// Waits for the next reply.
    pub(super) async fn next(&mut self) -> Answer {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// Whether the last reply was received.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// The worker that answers.
    pub(super) fn link(&self) -> &Link {
        &self.link
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let was_open = self.link.calls().open.remove(&self.id).is_some();
        if was_open && !self.ended {
            self.link.post(Request::Cancel { id: self.id });
        }
    }
}
