//! The connection: one, shared by all calls, made anew when it is lost.
//!
//! It does not know what is sent. While there is no connection, a call fails at once instead of waiting for one.

use crate::counters::Count;
use crate::script;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use yizhan_domain::{Error, ErrorCode, Result};

/// How long between two attempts to connect: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));

/// How many commands may wait to be written before callers wait too.
const BUFFER: usize = 1024;

pub(crate) struct Link {
    client: Client,
    /// For messages: without user and password.
    address: String,
    timeout: Duration,
    current: Mutex<Current>,
    lost: Notify,
    made: Notify,
    pub losses: Count,
}

#[derive(Default)]
struct Current {
    connection: Option<MultiplexedConnection>,
    /// Counts connections, so that the end of an old one does not end its successor.
    number: u64,
}

impl Link {
    pub(crate) fn new(url: &str, timeout: Duration) -> Result<Self> {
        let client = Client::open(url).map_err(|cause| Error::new(ErrorCode::InvalidConfig, cause.to_string()))?;
        let address = client.get_connection_info().addr().to_string();
        Ok(Self {
            client,
            address,
            timeout,
            current: Mutex::default(),
            lost: Notify::new(),
            made: Notify::new(),
            losses: Count::default(),
        })
    }

    pub(crate) fn is_up(&self) -> bool {
        self.current().connection.is_some()
    }

    /// Returns once there is a connection.
    pub(crate) async fn up(&self) {
        loop {
            let made = self.made.notified();
            tokio::pin!(made);
            // Before the look, so that no connection is missed between the two.
            made.as_mut().enable();
            if self.is_up() {
                return;
            }
            made.await;
        }
    }

    /// Keeps a connection; never returns.
    pub(crate) async fn run(&self) {
        let mut pause = RETRY.0;
        loop {
            if self.is_up() {
                pause = RETRY.0;
                self.lost.notified().await;
            } else if let Err(error) = self.connect().await {
                tracing::debug!(%error, "no connection to Redis");
                sleep(pause).await;
                pause = (pause * 2).min(RETRY.1);
            } else {
                tracing::info!(address = self.address, "connected to Redis");
            }
        }
    }

    /// Makes a connection where there is none.
    pub(crate) async fn connect(&self) -> Result<()> {
        if self.is_up() {
            return Ok(());
        }
        // A server far away may need several round trips for the handshake.
        let patience = self.timeout.max(Duration::from_secs(1));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience))
            .set_pipeline_buffer_size(BUFFER);
        let made = timeout(patience, async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            // The operating system accepts connections for a server that hangs.
            redis::cmd("PING").exec_async(&mut connection).await?;
            RedisResult::Ok(connection)
        });
        let connection = made.await.map_err(|_| self.silent())?.map_err(|cause| self.failed(&cause))?;
        let mut current = self.current();
        (current.connection, current.number) = (Some(connection), current.number + 1);
        drop(current);
        self.made.notify_waiters();
        Ok(())
    }

    /// Sends calls of the script and returns what each came to, in their order. An error says that
    /// the answer was lost: what was sent may have been done or not. Where there is no connection, `None`:
    /// nothing was sent.
    pub(crate) async fn send(&self, commands: &[&Cmd]) -> Result<Option<Vec<Result<Value>>>> {
        // Others may have taken what was to be sent; to the client library nothing is an error.
        if commands.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let (mut connection, number) = {
            let current = self.current();
            let Some(connection) = &current.connection else { return Ok(None) };
            (connection.clone(), current.number)
        };
        let answer = timeout(self.timeout, exchange(&mut connection, commands)).await;
        let failed = match answer {
            Ok(Ok(values)) => {
                if values.iter().any(|value| value.as_ref().is_err_and(is_elsewhere)) {
                    self.lose(number);
                }
                let told = |value: RedisResult<Value>| value.map_err(|cause| self.failed(&cause));
                return Ok(Some(values.into_iter().map(told).collect()));
            }
            Ok(Err(cause)) => self.failed(&cause),
            Err(_) => self.silent(),
        };
        self.lose(number);
        Err(failed)
    }

    /// After this, calls fail at once until a new connection answers.
    fn lose(&self, number: u64) {
        let mut current = self.current();
        if current.number == number && current.connection.take().is_some() {
            self.losses.add(1);
            self.lost.notify_one();
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn away(&self) -> Error {
        let message =
            format!("There is no connection to Redis at {}. Check that it runs, and redis.url.", self.address);
        Error::new(ErrorCode::Io, message)
    }

    fn silent(&self) -> Error {
        let (address, millis) = (&self.address, self.timeout.as_millis());
        let message =
            format!("Redis at {address} did not answer within {millis} ms. Check its load, or raise redis.timeout_ms.");
        Error::new(ErrorCode::Io, message)
    }

    fn failed(&self, cause: &RedisError) -> Error {
        Error::io(format!("Redis at {}", self.address), cause)
    }
}

/// Sends everything at once, and once more, with the script's text, what Redis had no script for.
async fn exchange(connection: &mut MultiplexedConnection, commands: &[&Cmd]) -> RedisResult<Vec<RedisResult<Value>>> {
    let mut values = query(connection, commands.iter().map(|command| (*command).clone())).await?;
    let unknown = |value: &RedisResult<Value>| {
        value.as_ref().is_err_and(|cause| cause.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
    };
    let missed: Vec<usize> = (0..values.len()).filter(|index| unknown(&values[*index])).collect();
    if !missed.is_empty() {
        let again = query(connection, missed.iter().map(|index| script::in_full(commands[*index]))).await?;
        missed.into_iter().zip(again).for_each(|(index, value)| values[index] = value);
    }
    Ok(values)
}

async fn query(
    connection: &mut MultiplexedConnection,
    commands: impl Iterator<Item = Cmd>,
) -> RedisResult<Vec<RedisResult<Value>>> {
    let mut pipeline = Pipeline::new();
    commands.for_each(|command| {
        pipeline.add_command(command);
    });
    pipeline.ignore_errors().query_async(connection).await
}

/// The server is there, but is not, or not yet, the one that may write.
fn is_elsewhere(cause: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, MasterDown, ReadOnly};
    matches!(cause.kind(), ErrorKind::Server(BusyLoading | MasterDown | ReadOnly))
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
