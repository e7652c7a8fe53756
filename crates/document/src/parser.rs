//! The parent's side: a small pool of parser processes and what to say when one dies.
//!
//! It does not know formats.

use crate::fault::unreadable;
use crate::parsed::Parsed;
use crate::tools::Tools;
use crate::worker::{Reply, Request, WORKER_KIND};
use parking_lot::{Condvar, Mutex};
use std::io::ErrorKind;
use std::process::ExitStatus;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_process::{Child, Limits, Program};

/// How parser processes are run.
#[derive(Clone, Debug)]
pub struct ParserOptions {
    /// What each parse may use.
    pub tools: Tools,
    /// What the operating system lets one process use. Processor time is over its whole life: a
    /// process retires early enough that a document always has half of it.
    pub limits: Limits,
    /// Wall-clock time without progress: for a PDF from page to page, for others in all.
    pub timeout: Duration,
    /// Processes at once; further callers wait.
    pub children: usize,
}

impl ParserOptions {
    /// 3 GB and 40 minutes of processor time a process, 2 minutes from page to page, a process a core
    /// up to four.
    pub fn new(tools: Tools) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            tools,
            limits: Limits { memory_bytes: Some(3 << 30), cpu_seconds: Some(2400), file_bytes: Some(1 << 30) },
            timeout: Duration::from_secs(120),
            children: cores.min(4),
        }
    }
}

/// Parses files in child processes of `program`. Cheap to share between threads; children start
/// at need and end with the last handle.
pub struct Parser {
    program: Program,
    options: ParserOptions,
    pool: Mutex<Pool>,
    freed: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Worker>,
    busy: usize,
}

/// A living child and the time that it has worked.
struct Worker {
    child: Child,
    worked: Duration,
}

/// How a conversation with a child ended other than by a reply.
enum Death {
    /// It took too long and was killed.
    Timeout,
    /// It ended by itself.
    Ended(Option<ExitStatus>),
}

impl Parser {
    /// A parser whose children are `program worker parse LIMITS`. Starts none yet.
    pub fn new(program: Program, options: ParserOptions) -> Self {
        Self { program, options, pool: Mutex::default(), freed: Condvar::new() }
    }

    /// Reads a file; blocks until it is read, refused, or its process is given up.
    ///
    /// Fails with `unreadable_document` naming file and reason (a crash, a timeout and a limit are
    /// reasons too), or with `worker_failed` where no process can be started.
    pub fn parse(&self, name: &str, bytes: &[u8]) -> Result<Parsed> {
        let place = self.take_place();
        let reused = place.worker.is_some();
        match self.attempt(place, name, bytes)? {
            Ok(reply) => reply,
            // An old process may have died of what came before: only a fresh one convicts the file.
            Err(Death::Ended(_)) if reused => match self.attempt(self.take_fresh_place(), name, bytes)? {
                Ok(reply) => reply,
                Err(death) => Err(self.obituary(death).context(name)),
            },
            Err(death) => Err(self.obituary(death).context(name)),
        }
    }

    fn attempt(
        &self,
        mut place: Place<'_>,
        name: &str,
        bytes: &[u8],
    ) -> Result<std::result::Result<Result<Parsed>, Death>> {
        let mut worker = match place.worker.take() {
            Some(worker) => worker,
            None => self.start()?,
        };
        let request = Request { name: name.to_owned(), tools: self.options.tools.clone() };
        let begun = Instant::now();
        let (outcome, timed_out) = converse(&mut worker.child, &request, bytes, self.options.timeout);
        match outcome {
            Ok(Some((reply, body))) => {
                worker.worked += begun.elapsed();
                if !self.is_worn(&worker) {
                    place.worker = Some(worker);
                }
                Ok(Ok(read_reply(name, reply, &body)))
            }
            Ok(None) | Err(_) if timed_out => Ok(Err(Death::Timeout)),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                // No frame at all: how the process ends after the kill says nothing.
                worker.child.kill();
                Ok(Err(Death::Ended(None)))
            }
            Ok(None) | Err(_) => {
                // Its output is closed, so its end is decided already; this only makes sure.
                worker.child.kill();
                Ok(Err(Death::Ended(worker.child.wait().ok())))
            }
        }
    }

    fn start(&self) -> Result<Worker> {
        let child = self.program.spawn(WORKER_KIND, self.options.limits).map_err(|error| {
            Error::new(ErrorCode::WorkerFailed, format!("No parser process can be started: {error}. Try again."))
        })?;
        Ok(Worker { child, worked: Duration::ZERO })
    }

    /// Whether half of the processor time may be gone. Wall time stands for it: the child has few
    /// threads, and waiting is rare.
    fn is_worn(&self, worker: &Worker) -> bool {
        self.options.limits.cpu_seconds.is_some_and(|seconds| worker.worked.as_secs() >= seconds / 4)
    }

    fn take_place(&self) -> Place<'_> {
        let mut pool = self.pool.lock();
        while pool.busy >= self.options.children.max(1) {
            self.freed.wait(&mut pool);
        }
        pool.busy += 1;
        Place { worker: pool.idle.pop(), parser: self }
    }

    fn take_fresh_place(&self) -> Place<'_> {
        let mut place = self.take_place();
        place.worker = None;
        place
    }

    fn obituary(&self, death: Death) -> Error {
        let seconds = self.options.timeout.as_secs_f32();
        let status = match death {
            Death::Timeout => {
                return unreadable(format!("parsing made no progress for {seconds} s and was stopped."));
            }
            Death::Ended(status) => status,
        };
        let Some(status) = status else {
            return unreadable("the parser process was given up: it ended without an answer that makes sense.");
        };
        match signal_of(status) {
            Some(libc_signal::XCPU) => {
                let seconds = self.options.limits.cpu_seconds.unwrap_or(0);
                unreadable(format!("the parser process used up its {seconds} s of processor time."))
            }
            Some(libc_signal::KILL) => {
                unreadable("the parser process was killed (signal 9), most likely because memory ran out.")
            }
            Some(signal) => unreadable(format!(
                "the parser process was ended by signal {signal}: the file crashed the parser or needs more memory than allowed."
            )),
            None => unreadable(format!("the parser process ended ({status}) without an answer.")),
        }
    }
}

/// Signal numbers that deserve words of their own, the same on every Linux architecture in use.
mod libc_signal {
    pub(super) const KILL: i32 = 9;
    pub(super) const XCPU: i32 = 24;
}

#[cfg(unix)]
fn signal_of(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal_of(_status: ExitStatus) -> Option<i32> {
    None
}

type Answer = std::io::Result<Option<(Reply, Vec<u8>)>>;

/// One request and its reply. A second thread kills the child at the deadline, which ends the wait.
fn converse(child: &mut Child, request: &Request, bytes: &[u8], timeout: Duration) -> (Answer, bool) {
    let killer = child.killer();
    let (done, deadline) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let watch = scope.spawn(move || {
            loop {
                match deadline.recv_timeout(timeout) {
                    Ok(()) => {}
                    Err(mpsc::RecvTimeoutError::Disconnected) => return false,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        killer.kill();
                        return true;
                    }
                }
            }
        });
        let mut answer = child.writer.send(request, bytes).and_then(|()| child.reader.receive::<Reply>());
        while matches!(answer, Ok(Some((Reply::Progress, _)))) {
            // The watch has only gone when the child is killed, which the next receive shows.
            let _ = done.send(());
            answer = child.reader.receive::<Reply>();
        }
        drop(done);
        (answer, watch.join().unwrap_or(false))
    })
}

fn read_reply(name: &str, reply: Reply, body: &[u8]) -> Result<Parsed> {
    match reply {
        Reply::Failed(error) => Err(error),
        Reply::Progress | Reply::Parsed => {
            serde_json::from_slice(body).map_err(|error| Error::internal(format!("{name}: parser's reply: {error}")))
        }
    }
}

/// The right to use one process. Dropping it returns the worker that is left in it.
struct Place<'a> {
    parser: &'a Parser,
    worker: Option<Worker>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut pool = self.parser.pool.lock();
        pool.idle.extend(self.worker.take());
        pool.busy -= 1;
        self.parser.freed.notify_one();
    }
}
