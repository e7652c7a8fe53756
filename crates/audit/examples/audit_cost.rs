//! What a record costs: CPU of the caller and the writer, bytes, and the speed of verification.
//!
//! `cargo run --release -p yizhan-audit --example audit_cost -- FOLDER [RECORDS]`. On a folder in memory
//! (`/dev/shm/…`) syncing costs nothing, so that what is left is the log's own work. Linux alone tells the
//! CPU time of threads.
#![allow(clippy::print_stdout, reason = "it is a program that prints")]

use std::path::Path;
use std::time::Instant;
use yizhan_audit::{Attempt, AuditLog, Charged, Hash, Kind, Options, Record, Served, verify};
use yizhan_domain::{CallId, Error, KeyId, Money, ProjectId, Result, TenantId, Usage, UserId};

/// Nanoseconds on a processor, of all threads.
fn cpu_ns() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of_task = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    tasks.filter_map(of_task).sum()
}

fn record() -> Record {
    let mut record = Record::new(CallId::random(), 1_700_000_000_000, Kind::Chat);
    record.tenant = Some(TenantId::new("clinic"));
    record.project = Some(ProjectId::new("proj-0123456789abcdef01234567"));
    record.user = Some(UserId::new("user-0123456789abcdef01234567"));
    record.key = Some(KeyId::new("key-0123456789abcdef01234567"));
    record.app = Some("manual".to_owned());
    record.model = Some("qwen-max".into());
    record.served = Some(Served { provider: "dashscope".to_owned(), model: "qwen3-max".to_owned() });
    record.route = Some("default".to_owned());
    record.attempts =
        vec![Attempt { provider: "dashscope".to_owned(), status: Some(200), ms: 812, ..Attempt::default() }];
    record.status = 200;
    record.streamed = true;
    record.total_ms = 815;
    record.first_token_ms = Some(190);
    record.usage = Usage { prompt_tokens: 1200, completion_tokens: 310, cached_tokens: 1024, ..Usage::default() };
    record.charge = Some(Charged { amount: Money(7_100_000), version: "2026-05".to_owned() });
    record.address = Some("10.1.2.3".to_owned());
    record.user_agent = Some("OpenAI/Python 1.99.9".to_owned());
    record.request_sha256 = Some(Hash([7; 32]));
    record.response_sha256 = Some(Hash([9; 32]));
    record
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or_else(|| Error::invalid("FOLDER", "Name a folder to write to."))?;
    let records: u64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(100_000);
    let audit = Path::new(&folder).join("audit");
    let log = AuditLog::open(&audit, Options::new(Path::new(&folder).join("key")))?;
    let templates: Vec<Record> = (0..records).map(|_| record()).collect();
    for callers in [1, 64] {
        let mut shares: Vec<Vec<Record>> = (0..callers).map(|_| Vec::new()).collect();
        for (number, record) in templates.iter().enumerate() {
            shares[number % callers].push(record.clone());
        }
        let (cpu, wall) = (cpu_ns(), Instant::now());
        let tasks: Vec<_> = shares
            .into_iter()
            .map(|share| {
                let log = log.clone();
                tokio::spawn(async move {
                    for record in share {
                        log.append(record).await?;
                    }
                    Ok::<_, Error>(())
                })
            })
            .collect();
        for task in tasks {
            task.await.map_err(|cause| Error::internal(cause.to_string()))??;
        }
        let each = |ns: u64| ns as f64 / 1000.0 / records as f64;
        let wall = u64::try_from(wall.elapsed().as_nanos()).unwrap_or(u64::MAX);
        println!("{callers} callers: {:.2} us CPU, {:.2} us wall a record", each(cpu_ns() - cpu), each(wall));
    }
    let key = log.key().clone();
    drop(log);
    let files = std::fs::read_dir(&audit).into_iter().flatten().flatten();
    let bytes: u64 = files.filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum();
    let (cpu, report) = (cpu_ns(), verify(&audit, &key, None)?);
    let ns = cpu_ns() - cpu;
    println!("{} bytes a record; intact {}", bytes / report.records.max(1), report.intact);
    println!(
        "verified {:.0} records, {:.0} MB a CPU second",
        report.records as f64 * 1e9 / ns as f64,
        bytes as f64 * 1e3 / ns as f64
    );
    Ok(())
}
