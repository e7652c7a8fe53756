//! A process that appends is killed at random points, many times: every record that it acknowledged is
//! there, the chain verifies, and the log goes on.
#![allow(clippy::unwrap_used, reason = "a failure here is what the test is for")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use yizhan_audit::{AuditLog, Checkpoint, Entries, Hash, Key, Kind, Options, Payload, Record, verify};
use yizhan_domain::CallId;

/// Set in the child to its directory.
const CHILD: &str = "YIZHAN_AUDIT_CRASH_TEST";
const ROUNDS: usize = 30;

/// Appends from several tasks at once, and prints each place when it is acknowledged.
async fn child(folder: &Path) {
    let options = Options { segment_bytes: 30_000, ..Options::new(folder.join("key")) };
    let log = AuditLog::open(&folder.join("audit"), options).unwrap();
    assert_eq!(log.opened().damage, None);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let log = log.clone();
            tokio::spawn(async move {
                for number in 0u64.. {
                    let mut record = Record::new(CallId::random(), 1_700_000_000_000, Kind::Chat);
                    record.user_agent = Some("x".repeat((number * 97 % 900) as usize));
                    let request = "问".repeat((number * 31 % 500) as usize);
                    record.payload = (number % 4 == task).then(|| Payload { request, ..Payload::default() });
                    let place = log.append(record).await.unwrap();
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "ack {place}").unwrap();
                    out.flush().unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn child_process() {
    #[expect(clippy::disallowed_methods, reason = "this is how the test reaches its child")]
    if let Some(folder) = std::env::var_os(CHILD) {
        child(Path::new(&folder)).await;
    }
}

fn run_and_kill(folder: &Path, lines: usize, longer: Duration) -> Vec<Checkpoint> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_process", "--exact", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    // The test harness may have written on the same line.
    let place = |line: String| line.split_once("ack ").map(|(_, place)| place.parse().unwrap());
    let mut said: Vec<Checkpoint> = output.by_ref().map(Result::unwrap).filter_map(place).take(lines).collect();
    assert_eq!(said.len(), lines, "the child ended by itself");
    let (_never, wait) = std::sync::mpsc::channel::<()>();
    let _ = wait.recv_timeout(longer);
    child.kill().unwrap();
    child.wait().unwrap();
    said.extend(output.map_while(Result::ok).filter_map(place));
    said
}

#[test]
fn killed_at_random_points_it_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let mut said: Vec<Checkpoint> = Vec::new();
    let mut random = 0x9e37_79b9_u64;
    for round in 0..ROUNDS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (lines, longer) = (1 + (random >> 33) as usize % 60, Duration::from_micros((random >> 40) % 9000));
        said.extend(run_and_kill(folder.path(), lines, longer));
        // As it was left, before anything repairs it.
        let key = Key::load(&folder.path().join("key")).unwrap();
        let report = verify(&audit, &key, said.last().copied()).unwrap();
        assert!(report.intact, "round {round}: {report:?}");
        let mut entries = Entries::open(&audit, &key, 1).unwrap().with_payloads();
        let mut there: HashMap<u64, Hash> = HashMap::new();
        while let Some(stored) = entries.next().unwrap() {
            there.insert(stored.sequence, stored.hash);
        }
        for place in &said {
            assert_eq!(there.get(&place.sequence), Some(&place.hash), "round {round}: {place}");
        }
    }
    assert!(said.len() > ROUNDS * 20, "{}", said.len());
}
