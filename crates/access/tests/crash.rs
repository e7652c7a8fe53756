//! Budgets in SQLite: the limiter keeps its contract over it, and a process that spends is killed at
//! random points, many times, without the budget being passed or what was spent being forgotten.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use yizhan_access::contract::{NOW, Tested, subject};
use yizhan_access::{MemoryLimiter, Subject, UtcOffset, limiter_contract_tests};
use yizhan_domain::Money;
use yizhan_sqlite::Sqlite;
use yizhan_store::{BudgetLine, BudgetStore, ManualClock};

/// Set in the child to its data directory.
const CHILD: &str = "YIZHAN_BUDGET_TEST_DATA";
const ROUNDS: usize = 25;
const LIMIT: i64 = 1_000_000;
/// What a call sets aside.
const MOST: i64 = 400;
/// What it uses.
const COST: i64 = 150;

fn open(data: &Path) -> Tested {
    let time = ManualClock::at(NOW);
    let store = Sqlite::open_with_clock(data, time.clock()).unwrap();
    let limiter = MemoryLimiter::with_clock(Some(Arc::new(store)), UtcOffset::default(), time.clock());
    Tested { limiter: Arc::new(limiter), time, keep: Box::new(()) }
}

fn in_new_directory() -> Tested {
    let directory = tempfile::tempdir().unwrap();
    let tested = open(directory.path());
    Tested { keep: Box::new(directory), ..tested }
}

mod over_sqlite {
    use super::*;
    limiter_contract_tests!(in_new_directory());
}

fn limited() -> Subject {
    Subject { per_day: Some(Money(LIMIT)), ..subject("tenant:clinic") }
}

fn line() -> BudgetLine {
    BudgetLine { account: "tenant:clinic".to_owned(), period: "2026-11-22".to_owned() }
}

/// Spends until nothing is left, and says so after each call.
async fn child(data: &Path) {
    let tested = open(data);
    let mut out = std::io::stdout();
    while let Ok(hold) = tested.reserve(&[&limited()], 0, MOST).await {
        hold.settle(0, Money(COST));
        writeln!(out, "spent").unwrap();
        out.flush().unwrap();
    }
    writeln!(out, "exhausted").unwrap();
}

#[tokio::test]
async fn child_process() {
    #[expect(clippy::disallowed_methods, reason = "this is how the test reaches its child")]
    if let Some(data) = std::env::var_os(CHILD) {
        child(Path::new(&data)).await;
    }
}

/// Runs the child until it has spent so many times, kills it, and returns what it spent in all.
fn run_and_kill(data: &Path, calls: usize) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_process", "--exact", "--nocapture"])
        .env(CHILD, data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let first = output.by_ref().filter(|line| line.contains("spent")).take(calls).count();
    child.kill().unwrap();
    child.wait().unwrap();
    COST * (first + output.filter(|line| line.contains("spent")).count()) as i64
}

#[tokio::test]
async fn killed_at_random_points_it_neither_overshoots_nor_forgets() {
    let directory = tempfile::tempdir().unwrap();
    let mut spent = 0;
    for round in 0..ROUNDS {
        spent += run_and_kill(directory.path(), 1 + round * 37 % 90);
        let store = Sqlite::open(directory.path()).unwrap();
        let in_store = store.spent(&line()).await.unwrap().0;
        assert!(in_store >= spent, "{in_store} of {spent} that were acknowledged");
        assert!(in_store <= LIMIT, "{in_store}");
    }
    // From the records of usage: what was in hand when it was killed is free again.
    let store = Sqlite::open(directory.path()).unwrap();
    store.set_spent(&line(), Money(spent)).await.unwrap();
    drop(store);
    let tested = open(directory.path());
    let mut rest = 0;
    while let Ok(hold) = tested.reserve(&[&limited()], 0, 1000).await {
        hold.settle(0, Money(1000));
        rest += 1000;
    }
    assert!(spent + rest <= LIMIT && spent + rest > LIMIT - 1000, "{spent} and {rest}");
}

#[tokio::test]
async fn sixty_four_tasks_of_two_connections_do_not_overshoot() {
    let directory = tempfile::tempdir().unwrap();
    let processes = [open(directory.path()), open(directory.path())].map(Arc::new);
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let process = processes[number % 2].clone();
            tokio::spawn(async move {
                let mut spent = 0;
                while let Ok(hold) = process.reserve(&[&limited()], 0, 5000).await {
                    tokio::task::yield_now().await;
                    hold.settle(0, Money(4000));
                    spent += 4000;
                }
                spent
            })
        })
        .collect();
    let mut spent = 0;
    for task in tasks {
        spent += task.await.unwrap();
    }
    assert!(spent <= LIMIT && spent > LIMIT / 2, "{spent}");
}
