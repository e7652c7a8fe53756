//! What goes on behind the calls: connecting, settling, renewing leases, telling the store what was spent.
//!
//! It does not know limits.

use crate::RedisLimiter;
use crate::counters::Warner;
use crate::limiter::{Shared, Unsettled};
use crate::script::Step;
use redis::Cmd;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::{interval, sleep, timeout};
use yizhan_access::Subject;
use yizhan_domain::{Error, ErrorCode, Result};

/// How often the store is told what was spent.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How long until settlements are tried again that Redis answered with an error.
const RETRY: Duration = Duration::from_millis(100);

/// How often settlements that are too late are looked for while Redis is away.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many leases are renewed at once.
const BATCH: usize = 256;

/// Calls of this process that are under way.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<Arc<str>, Call>>);

struct Call {
    subjects: Arc<[Arc<Subject>]>,
    /// When its lease began.
    since: Instant,
}

impl Running {
    pub(crate) fn begin(&self, id: Arc<str>, subjects: Arc<[Arc<Subject>]>) {
        self.calls().insert(id, Call { subjects, since: Instant::now() });
    }

    pub(crate) fn end(&self, id: &str) {
        self.calls().remove(id);
    }

    /// Commands that renew the leases older than this; short calls never need one.
    fn renewals(&self, shared: &Shared, age: Duration) -> Vec<Cmd> {
        let now = Instant::now();
        let old = |call: &Call| now.duration_since(call.since) >= age;
        let renew = |(id, call): (&Arc<str>, &mut Call)| {
            call.since = now;
            shared.call(Step::Renew, id, &call.subjects).command()
        };
        self.calls().iter_mut().filter(|(_, call)| old(call)).map(renew).collect()
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<Arc<str>, Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RedisLimiter {
    /// Keeps the connection, settles what calls used, renews the leases of calls under way, and tells the
    /// store what was spent. To be spawned once, by one of the clones; never returns.
    pub async fn run(&self) {
        let shared = &*self.0;
        tokio::join!(shared.link.run(), shared.settle_all(), shared.renew(), shared.tell());
    }

    /// Settles what waits, and tells the store what was spent. To be called at the end of the process;
    /// an error says what could not be done in the time.
    pub async fn finish(&self, patience: Duration) -> Result<()> {
        if let Some(ledger) = &self.0.ledger {
            ledger.write().await?;
        }
        let settled = async {
            while self.0.pending.count() > 0 {
                self.0.link.connect().await?;
                self.0.settle_some().await?;
            }
            Ok(())
        };
        timeout(patience, settled).await.unwrap_or_else(|_| {
            let count = self.0.pending.count();
            Err(Error::new(ErrorCode::Io, format!("{count} settlements could not be brought to Redis in time.")))
        })
    }
}

impl Shared {
    async fn settle_all(&self) -> Infallible {
        let warner = Warner::default();
        loop {
            self.pending.some.notified().await;
            while self.pending.count() > 0 {
                if timeout(LOOK_EVERY, self.link.up()).await.is_err() {
                    self.pending.give_up_late();
                    continue;
                }
                if let Err(error) = self.settle_some().await {
                    if warner.is_due() {
                        tracing::warn!(%error, waiting = self.pending.count(), "settlements wait for Redis");
                    }
                    self.pending.give_up_late();
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Brings some of the settlements that wait to Redis.
    async fn settle_some(&self) -> Result<()> {
        let mut unsettled = Unsettled { pending: &self.pending, settlements: self.pending.take() };
        let commands: Vec<_> = unsettled.settlements.iter().map(|settlement| &settlement.command).collect();
        let values = self.link.send(&commands).await?.ok_or_else(|| self.link.away())?;
        unsettled.keep_failed(values.iter().map(|value| value.is_err()));
        values.into_iter().find_map(|value| value.err()).map_or(Ok(()), Err)
    }

    async fn renew(&self) -> Infallible {
        // A lease outlives two renewals that fail.
        let mut turn = interval(self.settings.lease() / 4);
        loop {
            turn.tick().await;
            let commands = self.running.renewals(self, self.settings.lease() / 5);
            for batch in commands.chunks(BATCH) {
                if let Err(error) = self.link.send(&batch.iter().collect::<Vec<_>>()).await {
                    tracing::debug!(%error, "leases were not renewed");
                }
            }
        }
    }

    async fn tell(&self) -> Infallible {
        let mut turn = interval(TELL_EVERY);
        loop {
            turn.tick().await;
            if let Some(ledger) = &self.ledger
                && let Err(error) = ledger.write().await
            {
                tracing::warn!(%error, "the store was not told what was spent");
            }
        }
    }
}
