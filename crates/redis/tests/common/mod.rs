//! A Redis of its own for each test: without persistence, on a free port, gone when the test ends.
#![allow(dead_code, unreachable_pub, reason = "not every test file uses all of it")]

use redis::Client;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use yizhan_access::contract::{NOW, Tested, subject};
use yizhan_access::{Subject, UtcOffset};
use yizhan_domain::Money;
use yizhan_redis::{RedisLimiter, RedisSettings};
use yizhan_store::{BudgetStore, ManualClock};

pub struct Server {
    process: Child,
    pub port: u16,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    pub fn with(options: &[&str]) -> Self {
        // Another program may take the port before Redis does.
        (0..10).find_map(|_| Self::on(free_port(), options)).expect("redis-server should start on a free port")
    }

    /// None when it does not start.
    pub fn on(port: u16, options: &[&str]) -> Option<Self> {
        let mut process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--dir", std::env::temp_dir().to_str().unwrap(), "--enable-debug-command", "yes"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect(
                "these tests need redis-server 7: install it with 'apt-get install redis-server' or scripts/setup.sh",
            );
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let is_ready = lines.map_while(Result::ok).any(|line| line.contains("Ready to accept connections"));
        let server = Self { process, port };
        is_ready.then_some(server)
    }

    /// Kills it, and starts another, empty one on the same port.
    pub fn restart(&mut self) {
        self.kill();
        *self = (0..10).find_map(|_| Self::on(self.port, &[])).expect("redis-server should start again");
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Stops it without closing its connections, as a machine that hangs; or lets it go on.
    pub fn signal(&self, signal: i32) {
        // SAFETY: the process is a child that was not waited for, so its id is its own.
        assert_eq!(unsafe { libc::kill(self.process.id() as i32, signal) }, 0);
    }

    pub fn settings(&self) -> RedisSettings {
        RedisSettings { timeout_ms: 1000, ..RedisSettings::new(format!("redis://127.0.0.1:{}", self.port)) }
    }

    pub async fn limiter(&self) -> Running {
        running(RedisLimiter::new(self.settings(), UtcOffset::default(), None).unwrap()).await
    }

    pub async fn command(&self, words: &[&str]) -> redis::Value {
        let client = Client::open(self.settings().url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::Cmd::new();
        command.arg(words);
        command.query_async(&mut connection).await.unwrap()
    }

    pub async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = redis::from_redis_value(self.command(&["KEYS", "*"]).await).unwrap();
        keys.sort();
        keys
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A limiter and what it does behind the calls, which ends with it.
pub struct Running {
    pub limiter: RedisLimiter,
    pub task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub async fn running(limiter: RedisLimiter) -> Running {
    limiter.connect().await.unwrap();
    let behind = limiter.clone();
    Running { limiter, task: tokio::spawn(async move { behind.run().await }) }
}

/// Under a clock that is moved by hand.
pub async fn tested(server: Server, store: Option<Arc<dyn BudgetStore>>) -> Tested {
    let mut tested = tested_with(server.settings(), store).await;
    tested.keep = Box::new((tested.keep, server));
    tested
}

pub async fn tested_with(settings: RedisSettings, store: Option<Arc<dyn BudgetStore>>) -> Tested {
    let time = ManualClock::at(NOW);
    let limiter = RedisLimiter::with_clock(settings, UtcOffset::default(), store, time.clock()).unwrap();
    let running = running(limiter.clone()).await;
    Tested { limiter: Arc::new(limiter), time, keep: Box::new(running) }
}

pub fn concurrent(most: u64) -> Subject {
    Subject { concurrent: Some(most), ..subject("tenant:clinic") }
}

pub fn by_day(limit: i64) -> Subject {
    Subject { per_day: Some(Money(limit)), ..subject("tenant:clinic") }
}

/// Waits until something is so, and fails after some seconds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), looking).await.unwrap_or_else(|_| panic!("never: {what}"));
}
