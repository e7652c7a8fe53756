//! Load: callers that ask one after another, or at a given rate, while the processor time of some processes is read.

use crate::arguments::Arguments;
use crate::caller::{Caller, Outcome, Question};
use crate::{Failure, clock, say};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::task::JoinSet;

/// What a server still does after the last byte of its last reply.
const SETTLE: Duration = Duration::from_millis(50);

/// How many requests, and when each.
struct Pace {
    next: AtomicU64,
    most: u64,
    begin: u64,
    /// Nanoseconds from one request to the next; 0: as fast as the callers can.
    every: u64,
    /// The first failure ends it.
    fragile: bool,
    over: AtomicBool,
}

impl Pace {
    fn new(most: u64, rate: f64, fragile: bool) -> Arc<Self> {
        let every = if rate > 0.0 { (1e9 / rate) as u64 } else { 0 };
        Arc::new(Self {
            next: AtomicU64::new(0),
            most,
            begin: clock::now(),
            every,
            fragile,
            over: AtomicBool::new(false),
        })
    }

    /// Waits for the next request's time and returns by how much it is late, or `None` after the last.
    async fn take(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Relaxed);
        if number >= self.most || self.over.load(Relaxed) {
            return None;
        }
        let due = self.begin + number * self.every;
        let now = clock::now();
        if self.every > 0 && due > now {
            tokio::time::sleep(Duration::from_nanos(due - now)).await;
        }
        Some(if self.every > 0 { clock::now().saturating_sub(due) } else { 0 })
    }
}

/// What came of the requests.
#[derive(Default)]
struct Tally {
    right: u64,
    wrong: u64,
    statuses: BTreeMap<u16, u64>,
    /// The first of each status.
    reasons: BTreeMap<u16, String>,
    first: Vec<u64>,
    whole: Vec<u64>,
    events: usize,
}

impl Tally {
    fn add(&mut self, outcome: Outcome, late: u64) {
        *self.statuses.entry(outcome.status).or_default() += 1;
        match outcome.result {
            Err(reason) => {
                self.wrong += 1;
                self.reasons.entry(outcome.status).or_insert(reason);
            }
            Ok(()) => {
                self.right += 1;
                self.events += outcome.events;
                self.whole.push(outcome.whole + late);
                if outcome.first > 0 {
                    self.first.push(outcome.first + late);
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.events += other.events;
        self.first.extend(other.first);
        self.whole.extend(other.whole);
        for (status, reason) in other.reasons {
            self.reasons.entry(status).or_insert(reason);
        }
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
    }

    fn json(mut self, deadline: u64) -> Value {
        let in_time = self.whole.iter().filter(|&&whole| whole <= deadline).count();
        json!({"right": self.right, "wrong": self.wrong, "in_time": in_time, "reasons": self.reasons,
            "statuses": self.statuses, "events": self.events,
            "first_ms": quantiles(&mut self.first), "whole_ms": quantiles(&mut self.whole)})
    }
}

/// The median and the 99th hundredth, in milliseconds.
fn quantiles(times: &mut [u64]) -> Value {
    times.sort_unstable();
    let at =
        |share: f64| times.get((times.len() as f64 * share) as usize).map_or(Value::Null, |&t| json!(t as f64 / 1e6));
    json!({"p50": at(0.5), "p99": at(0.99)})
}

/// `load --url URL --model NAME …`: see `Question`; and how much of it:
/// `--connections N --requests N [--warm N] [--rate PER_SECOND] [--deadline-ms N] [--fragile yes] [--process PID]…`,
/// `--direct URL`: one caller, each request first there and then at `--url`.
pub(crate) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let question = Question::new(arguments, arguments.text("url")?)?;
    let (requests, warm) = (arguments.get("requests", 1000)?, arguments.get("warm", 0)?);
    let deadline = arguments.get("deadline-ms", u64::MAX / 1_000_000)? * 1_000_000;
    if let Some(url) = arguments.all("direct").next_back() {
        return alternate(Question::new(arguments, url)?, question, requests, warm).await;
    }
    let processes = arguments.all("process").map(str::parse).collect::<Result<Vec<i32>, _>>()?;
    let count: usize = arguments.get("connections", 1)?;
    let callers = (0..count).map(|_| Caller::new(Arc::clone(&question))).collect();
    let (callers, _) = all(callers, Pace::new(warm, 0.0, false)).await?;
    let before = spent(&processes).await?;
    let fragile = arguments.get("fragile", "no".to_owned())? == "yes";
    let pace = Pace::new(requests, arguments.get("rate", 0.0)?, fragile);
    let (_, tally) = all(callers, Arc::clone(&pace)).await?;
    let seconds = (clock::now() - pace.begin) as f64 / 1e9;
    let mut result = tally.json(deadline);
    result["seconds"] = json!(seconds);
    if !fragile {
        let spent = spent(&processes).await? - before;
        result["cpu_us"] = json!(spent as f64 / 1e3 / requests.max(1) as f64);
    }
    say(result);
    Ok(())
}

async fn all(callers: Vec<Caller>, pace: Arc<Pace>) -> Result<(Vec<Caller>, Tally), Failure> {
    let mut tasks = JoinSet::new();
    for mut caller in callers {
        let pace = Arc::clone(&pace);
        tasks.spawn(async move {
            let mut tally = Tally::default();
            while let Some(late) = pace.take().await {
                let outcome = caller.ask().await;
                if pace.fragile && outcome.result.is_err() {
                    pace.over.store(true, Relaxed);
                }
                tally.add(outcome, late);
            }
            (caller, tally)
        });
    }
    let (mut callers, mut tally) = (Vec::new(), Tally::default());
    while let Some(ended) = tasks.join_next().await {
        let (caller, part) = ended?;
        callers.push(caller);
        tally.merge(part);
    }
    Ok((callers, tally))
}

async fn spent(processes: &[i32]) -> Result<u64, Failure> {
    tokio::time::sleep(SETTLE).await;
    processes.iter().map(|&process| clock::processor(process)).sum()
}

async fn alternate(direct: Arc<Question>, through: Arc<Question>, requests: u64, warm: u64) -> Result<(), Failure> {
    let (mut direct, mut through) = (Caller::new(direct), Caller::new(through));
    let (mut without, mut with) = (Tally::default(), Tally::default());
    for number in 0..requests + warm {
        let (first, second) = (direct.ask().await, through.ask().await);
        if number >= warm {
            without.add(first, 0);
            with.add(second, 0);
        }
    }
    say(json!({"direct": without.json(u64::MAX), "through": with.json(u64::MAX)}));
    Ok(())
}

/// `hold --url URL --model NAME --stream yes --streams N`: opens streams up to their first content, says so, and keeps them
/// open until its standard input ends.
pub(crate) async fn hold(arguments: &Arguments) -> Result<(), Failure> {
    let question = Question::new(arguments, arguments.text("url")?)?;
    let mut tasks = JoinSet::new();
    for _ in 0..arguments.get("streams", 1000)? {
        let mut caller = Caller::new(Arc::clone(&question));
        tasks.spawn(async move { caller.begin().await.map(|reply| (caller, reply)) });
    }
    let (mut kept, mut reason) = (Vec::new(), None);
    while let Some(ended) = tasks.join_next().await {
        match ended? {
            Ok(stream) => kept.push(stream),
            Err(cause) => reason = Some(cause.to_string()),
        }
    }
    say(json!({"held": kept.len(), "reason": reason}));
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
