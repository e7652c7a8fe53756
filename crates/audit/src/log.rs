//! The handle that callers append through, and the thread that writes for all of them.
//!
//! Calls that wait at the same time share one sync of the disk. It does not decide whether a call may
//! go on without its record: the caller does, on the error that it gets.

use crate::chain::{Chain, Entry, Surroundings};
use crate::hash::Checkpoint;
use crate::key::Key;
use crate::marks::Pruned;
use crate::record::{Kind, Record};
use crate::recover::{Opened, recover};
use crate::retention::{Retention, prune};
use std::fs::{File, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use yizhan_domain::{CallId, Error, ErrorCode, Result};

/// Sees every record (without its payload) once it is durable, in the order of the chain, on the writer's
/// thread, before its caller is told: it must be quick.
pub type Observer = Box<dyn FnMut(&Checkpoint, &Record) + Send>;

/// Most bytes of one record without its payload.
const LONGEST_RECORD: usize = 1 << 20;
/// Most bytes of one payload.
const LONGEST_PAYLOAD: usize = 32 << 20;
/// Most bytes that wait.
const QUEUE_BYTES: usize = 256 << 20;
/// The longest that a group waits for more, however slow the disk is.
const LONGEST_GATHER: Duration = Duration::from_millis(1);
/// How long the head may be safe from `kill -9` only, and not from the loss of power.
const HEAD_LAG: Duration = Duration::from_secs(1);

/// How a log is kept.
pub struct Options {
    /// The key file. Made when it is not there and neither is a log. Best on another disk than the log.
    pub key: PathBuf,
    /// A segment that has so many bytes is the last of its kind; so is the last of a day (UTC).
    pub segment_bytes: u64,
    /// So many records may wait for the disk; more are refused as `overloaded`.
    pub queue: usize,
    /// After a failure of the disk, appends fail at once until so much time has gone by; then one tries.
    pub retry: Duration,
    /// Go on with a log that is found damaged at opening. Verification reports the place for ever.
    pub continue_damaged: bool,
    /// Sees every record once it is durable.
    pub observer: Option<Observer>,
}

impl Options {
    /// The usual: 64 MiB a segment, 65,536 records in the queue, a retry each second.
    pub fn new(key: impl Into<PathBuf>) -> Self {
        let retry = Duration::from_secs(1);
        Self { key: key.into(), segment_bytes: 64 << 20, queue: 65_536, retry, continue_damaged: false, observer: None }
    }
}

/// An open log. Clones share it; the last to go waits until everything that was accepted is written.
#[derive(Clone)]
pub struct AuditLog(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    folder: PathBuf,
    key: Key,
    opened: Opened,
    limit: usize,
    /// Holds other processes off while it is open.
    _lock: File,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    items: Vec<Item>,
    commands: Vec<Command>,
    bytes: usize,
    /// Records that were accepted and are not written yet.
    waiting: usize,
    /// With so many items the writer wants to be woken; 0: it is awake.
    wanted: usize,
    closed: bool,
    failed: Option<Failure>,
    last: Option<Checkpoint>,
}

/// The disk failed.
struct Failure {
    error: Error,
    retry_at: Instant,
    since_ms: i64,
    /// Records that were refused since.
    lost: u64,
}

type Reply = oneshot::Sender<Result<Checkpoint>>;

struct Item {
    entry: Entry,
    record: Box<Record>,
    reply: Option<Reply>,
}

enum Command {
    Prune(Retention, oneshot::Sender<Result<Option<Pruned>>>),
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditLog {
    /// Opens the log in `folder`, making folder, key and log when there are none. Blocks while it reads
    /// the last segment.
    ///
    /// `Conflict` when another process has it open; `Io` when it is damaged (see
    /// [`Options::continue_damaged`]) or cannot be used; `NotFound` when its key is not there.
    pub fn open(folder: &Path, options: Options) -> Result<Self> {
        Self::open_in(folder, options, Surroundings { sync: File::sync_data, now_ms, gather })
    }

    pub(crate) fn open_in(folder: &Path, options: Options, around: Surroundings) -> Result<Self> {
        let lock = lock(folder)?;
        let (chain, opened) = recover(folder, &options, around)?;
        if opened.torn_bytes > 0 {
            tracing::warn!(bytes = opened.torn_bytes, "cut an interrupted write off the audit log");
        }
        if let Some(damage) = &opened.damage {
            tracing::error!(damage, "the audit log was damaged and goes on");
        }
        let end = chain.end;
        let last = (end.seq > 0 && end.begun).then_some(Checkpoint { sequence: end.seq, hash: end.hash });
        let shared = Arc::new(Shared { queue: Mutex::new(Queue { last, ..Queue::default() }), wake: Condvar::new() });
        let key = chain.key.clone();
        let (retry, observer, pace) = (options.retry, options.observer, Duration::ZERO);
        let writer = Writer { shared: shared.clone(), chain, retry, observer, expected: 0, pace };
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run())
            .map_err(|cause| Error::io("Starting the thread of the audit log", cause))?;
        let (folder, thread) = (folder.to_owned(), Some(thread));
        Ok(Self(Arc::new(Inner { shared, thread, folder, key, opened, limit: options.queue, _lock: lock })))
    }

    /// Writes a record down. When this returns it is on the disk.
    ///
    /// `Io` while the disk fails, `Overloaded` when too many wait, `TooLarge` when the record is over
    /// 1 MiB or its payload over 32 MiB. A caller that stops waiting does not take the record back.
    pub async fn append(&self, record: impl Into<Box<Record>>) -> Result<Checkpoint> {
        let (reply, answer) = oneshot::channel();
        self.push(record.into(), Some(reply))?;
        answer.await.map_err(|_| Error::internal("The audit log is shut down."))?
    }

    /// Queues a record whose durability nobody waits for. Fails as [`AuditLog::append`] does, except
    /// that a failure of the disk that comes later is not told.
    pub fn append_nowait(&self, record: impl Into<Box<Record>>) -> Result<()> {
        self.push(record.into(), None)
    }

    /// The last durable record of this run, or the one that was last at opening when the segment has
    /// any: the checkpoint to keep elsewhere.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.0.shared.queue().last
    }

    /// What opening found.
    pub fn opened(&self) -> &Opened {
        &self.0.opened
    }

    /// Why the disk fails, while it does.
    pub fn failure(&self) -> Option<Error> {
        self.0.shared.queue().failed.as_ref().map(|failure| failure.error.clone())
    }

    /// How many records wait for the disk.
    pub fn waiting(&self) -> usize {
        self.0.shared.queue().waiting
    }

    /// Where it is kept.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Its key, for reading.
    pub fn key(&self) -> &Key {
        &self.0.key
    }

    /// Deletes what policy no longer keeps, and writes a record about it. None when there was nothing.
    pub async fn prune(&self, retention: Retention) -> Result<Option<Pruned>> {
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.0.shared.queue();
            queue.commands.push(Command::Prune(retention, reply));
            queue.wanted = 0;
        }
        self.0.shared.wake.notify_one();
        answer.await.map_err(|_| Error::internal("The audit log is shut down."))?
    }

    fn push(&self, mut record: Box<Record>, reply: Option<Reply>) -> Result<()> {
        let entry = entry(&mut record)?;
        let bytes = entry.json.len() + entry.payload.as_ref().map_or(0, Vec::len);
        let item = Item { entry, record, reply };
        let mut queue = self.0.shared.queue();
        if let Some(failure) = &mut queue.failed
            && Instant::now() < failure.retry_at
        {
            failure.lost += 1;
            return Err(failure.error.clone());
        }
        if queue.waiting >= self.0.limit || queue.bytes + bytes > QUEUE_BYTES {
            let message = "Too many audit records wait for the disk. Retry later, and look at the disk's latency.";
            return Err(Error::new(ErrorCode::Overloaded, message).retry_after(Duration::from_secs(1)));
        }
        queue.waiting += 1;
        queue.bytes += bytes;
        queue.items.push(item);
        let is_awaited = queue.wanted > 0 && queue.items.len() >= queue.wanted;
        if is_awaited {
            queue.wanted = 0;
        }
        // Released first: the writer would only wait for the lock again.
        drop(queue);
        if is_awaited {
            self.0.shared.wake.notify_one();
        }
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell.
            let _ = thread.join();
        }
    }
}

/// Turns a record into bytes on the caller's thread, so that the writer has less to do.
fn entry(record: &mut Record) -> Result<Entry> {
    let unwritable = |cause| Error::internal(format!("An audit record cannot be written: {cause}"));
    let mut json = Vec::with_capacity(1024);
    serde_json::to_writer(&mut json, record).map_err(unwritable)?;
    let payload = record.payload.take().map(|payload| serde_json::to_vec(&payload)).transpose().map_err(unwritable)?;
    if json.len() > LONGEST_RECORD || payload.as_ref().is_some_and(|payload| payload.len() > LONGEST_PAYLOAD) {
        let message = "An audit record is longer than 1 MiB, or its payload than 32 MiB.";
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    Ok(Entry { json, payload })
}

fn lock(folder: &Path) -> Result<File> {
    let fail = |cause| Error::io(format!("Opening the audit log in {}", folder.display()), cause);
    std::fs::create_dir_all(folder).map_err(fail)?;
    let mut options = OpenOptions::new();
    let lock = options.write(true).create(true).truncate(false).open(folder.join("lock")).map_err(fail)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => {
            let message = format!("Another process writes the audit log in {}.", folder.display());
            Err(Error::new(ErrorCode::Conflict, message))
        }
        Err(std::fs::TryLockError::Error(cause)) => Err(fail(cause)),
    }
}

fn gather(pace: Duration) -> Duration {
    pace.min(LONGEST_GATHER)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What runs on the thread.
struct Writer {
    shared: Arc<Shared>,
    chain: Chain,
    retry: Duration,
    observer: Option<Observer>,
    /// How many callers seem to be at work.
    expected: usize,
    /// How long the last group took.
    pace: Duration,
}

impl Writer {
    fn run(mut self) {
        let mut items = Vec::new();
        let mut places = Vec::new();
        while let Some(commands) = self.wait(&mut items) {
            if !items.is_empty() {
                self.write(&mut items, &mut places);
            }
            for command in commands {
                let Command::Prune(retention, reply) = command;
                // Nobody may be waiting any more.
                let _ = reply.send(self.prune(&retention));
            }
        }
        if let Err(error) = self.chain.close() {
            tracing::error!(%error, "the audit log could not be closed in good order");
        }
    }

    /// Takes all that waits; none when the log is closed and nothing does.
    fn wait(&mut self, items: &mut Vec<Item>) -> Option<Vec<Command>> {
        let shared = Arc::clone(&self.shared);
        let mut queue = shared.queue();
        loop {
            if !queue.items.is_empty() {
                queue = self.gather(&shared, queue);
            }
            if !(queue.items.is_empty() && queue.commands.is_empty()) {
                std::mem::swap(items, &mut queue.items);
                queue.bytes = 0;
                return Some(std::mem::take(&mut queue.commands));
            }
            if queue.closed {
                return None;
            }
            queue.wanted = 1;
            if self.chain.head_synced() {
                queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = shared.wake.wait_timeout(queue, HEAD_LAG);
            let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            queue = guard;
            if timeout.timed_out() && queue.items.is_empty() {
                drop(queue);
                self.sync_head();
                queue = shared.queue();
            }
        }
    }

    /// Gives the callers of the group before, whom its sync has just set free, as long as a sync takes to come back:
    /// then all share the next one, instead of half of them waiting for every other. A lone caller waits for nobody.
    fn gather<'a>(&mut self, shared: &'a Shared, mut queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        let expected = self.expected;
        let until = Instant::now() + (self.chain.surroundings.gather)(self.pace);
        while queue.items.len() < expected && !queue.closed && queue.commands.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queue.wanted = expected;
            queue = shared.wake.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.wanted = 0;
        queue
    }

    fn sync_head(&mut self) {
        if let Err(error) = self.chain.sync_head() {
            tracing::warn!(%error, "the audit log's head could not be synced");
        }
    }

    fn write(&mut self, items: &mut Vec<Item>, places: &mut Vec<Checkpoint>) {
        self.note_gap(items);
        let entries: Vec<Entry> = items.iter_mut().map(|item| std::mem::take(&mut item.entry)).collect();
        let begun = Instant::now();
        let appended = self.chain.append(&entries, places);
        self.pace = begun.elapsed();
        // Those of this group, and those that came meanwhile.
        self.expected = entries.len() + self.shared.queue().items.len();
        match appended {
            Ok(()) => {
                {
                    let mut queue = self.shared.queue();
                    queue.waiting = queue.waiting.saturating_sub(items.len());
                    queue.failed = None;
                    queue.last = places.last().copied();
                }
                for (item, place) in items.drain(..).zip(places.iter()) {
                    self.observe(place, &item.record);
                    item.reply.map(|reply| reply.send(Ok(*place)));
                }
            }
            Err(cause) => self.fail(items, &cause),
        }
    }

    /// Tells the observer. One that panics must not end the thread that every caller waits for.
    fn observe(&mut self, place: &Checkpoint, record: &Record) {
        let Some(observer) = &mut self.observer else { return };
        if catch_unwind(AssertUnwindSafe(|| observer(place, record))).is_err() {
            tracing::error!(sequence = place.sequence, "the observer of the audit log panicked");
        }
    }

    /// The first group that is tried after a failure begins with a record that says what is missing.
    fn note_gap(&self, items: &mut Vec<Item>) {
        let mut queue = self.shared.queue();
        let Some(failure) = &queue.failed else { return };
        let time_ms = (self.chain.surroundings.now_ms)();
        let mut record = Record::new(CallId::random(), time_ms, Kind::Gap);
        record.extra.insert("lost".into(), failure.lost.into());
        record.extra.insert("since_ms".into(), failure.since_ms.into());
        record.extra.insert("error".into(), failure.error.message().into());
        if let Ok(entry) = entry(&mut record) {
            queue.waiting += 1;
            items.insert(0, Item { entry, record: Box::new(record), reply: None });
        }
    }

    fn fail(&self, items: &mut Vec<Item>, cause: &std::io::Error) {
        let folder = self.chain.folder.display();
        let message = format!("The audit log in {folder} cannot be written: {cause}. Check the disk and its space.");
        let error = Error::new(ErrorCode::Io, message);
        tracing::error!(%error, records = items.len(), "audit records were refused");
        {
            let mut queue = self.shared.queue();
            queue.waiting = queue.waiting.saturating_sub(items.len());
            let lost = items.iter().filter(|item| item.record.kind != Kind::Gap).count() as u64;
            let now_ms = (self.chain.surroundings.now_ms)();
            let (before, since_ms) = queue.failed.as_ref().map_or((0, now_ms), |failed| (failed.lost, failed.since_ms));
            let retry_at = Instant::now() + self.retry;
            queue.failed = Some(Failure { error: error.clone(), retry_at, since_ms, lost: before + lost });
        }
        for item in items.drain(..) {
            item.reply.map(|reply| reply.send(Err(error.clone())));
        }
    }

    fn prune(&mut self, retention: &Retention) -> Result<Option<Pruned>> {
        let (folder, now_ms) = (&self.chain.folder, (self.chain.surroundings.now_ms)());
        let pruned = prune(folder, &self.chain.key, self.chain.end.segment, retention, now_ms)
            .map_err(|cause| Error::io(format!("Deleting old audit records in {}", folder.display()), cause))?;
        let Some(pruned) = pruned else { return Ok(None) };
        let mut record = Record::new(CallId::random(), now_ms, Kind::Retention);
        record.extra.insert("through".into(), pruned.through.into());
        record.extra.insert("payloads_before_segment".into(), pruned.payloads.into());
        record.extra.insert("policy".into(), pruned.policy.clone().into());
        let entry = entry(&mut record)?;
        self.shared.queue().waiting += 1;
        self.write(&mut vec![Item { entry, record: Box::new(record), reply: None }], &mut Vec::new());
        Ok(Some(pruned))
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
