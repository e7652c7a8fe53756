//! Measures the driver: `cargo run --release -p yizhan-sqlite --example measure [DIRECTORY]`.
//!
//! The directory (a temporary one by default) should lie on the disk that is to be measured: what is
//! acknowledged is synced, so that its speed is in the figures.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use yizhan_domain::{ChunkId, LineSpan, Rect, Sequence, TenantId};
use yizhan_sqlite::Sqlite;
use yizhan_store::{Base, BaseSettings, ContentHash, DocumentStore, Filter, NewChunk, NewDocument, NewFile, Processed};

const LEASE: Duration = Duration::from_secs(600);
const DIMENSIONS: usize = 384;

fn main() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = std::env::args_os().nth(1).map_or(temporary.path().to_owned(), Into::into);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(measure(&directory));
}

async fn measure(directory: &Path) {
    let start = Instant::now();
    let store = Sqlite::open(directory).unwrap();
    println!("open, new: {:.1} ms; resident {}", millis(start), resident());
    let tenant = TenantId::default_tenant();
    let base = store.create_base(&tenant, "chunks", BaseSettings::default()).await.unwrap();
    writing(&store, &base).await;
    reading(&store, &base).await;
    filters(&store).await;
    let start = Instant::now();
    store.delete_base(&base.id).await.unwrap();
    println!("delete a base of 100 documents and 100,000 chunks: {:.0} ms", millis(start));
    let start = Instant::now();
    drop(store);
    println!("close: {:.1} ms", millis(start));
    let start = Instant::now();
    let _store = Sqlite::open(directory).unwrap();
    println!("open again: {:.1} ms; resident {}", millis(start), resident());
}

async fn writing(store: &Sqlite, base: &Base) {
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for number in 0..100 {
        let start = Instant::now();
        submit(store, base, number, json!({})).await;
        small.push(millis(start) / 2.0);
        let job = store.claim(None, LEASE).await.unwrap().unwrap();
        let processed = processed(1000);
        let start = Instant::now();
        store.complete(&job, processed).await.unwrap().unwrap();
        large.push(millis(start));
    }
    println!("one small commit, synced: {}", spread(small));
    println!("complete() of 1,000 chunks with vectors: {}", spread(large));
}

async fn reading(store: &Sqlite, base: &Base) {
    let start = Instant::now();
    let (mut after, mut chunks) = (Sequence(0), 0);
    loop {
        let part = store.changes(&base.id, after, 1000).await.unwrap();
        let Some(last) = part.last() else { break };
        after = last.sequence;
        chunks += part.iter().map(|change| change.chunks.len()).sum::<usize>();
    }
    println!("changes() of {chunks} chunks with vectors, 1,000 at a time: {:.0} ms", millis(start));
    let mut times = Vec::new();
    for round in 0..200u64 {
        let ids: Vec<ChunkId> = (0..10).map(|number| ChunkId(1 + (round * 7919 + number * 10_007) % 100_000)).collect();
        let start = Instant::now();
        assert_eq!(store.chunks(&ids).await.unwrap().len(), 10);
        times.push(millis(start));
    }
    println!("chunks() of 10 at random among 100,000: {}; resident {}", spread(times), resident());
}

async fn filters(store: &Sqlite) {
    let base = store.create_base(&TenantId::default_tenant(), "filters", BaseSettings::default()).await.unwrap();
    let start = Instant::now();
    let file = new_file(store, "one").await;
    for number in 0..100_000u64 {
        let attributes = json!({"year": 2000 + number % 25, "part": number % 100, "lang": if number % 2 == 0 { "zh" } else { "en" },
            "tags": ["manual", format!("t{}", number % 1000)]});
        let (source, name) = (format!("/documents/{number}.pdf"), format!("{number}.pdf"));
        let (file, attributes) = (file.clone(), attributes.as_object().unwrap().clone());
        let new = NewDocument { file, source, name, hash: ContentHash("0".repeat(64)), attributes };
        store.submit(&base.id, new).await.unwrap();
    }
    println!("submit() of 100,000 documents, one after another: {:.0} ms", millis(start));
    for (what, filter) in [
        ("eq, 0.1 %", json!({"type": "eq", "key": "tags", "value": "t7"})),
        ("eq, 1 %", json!({"type": "eq", "key": "part", "value": 7})),
        ("eq, 50 %", json!({"type": "eq", "key": "lang", "value": "zh"})),
        ("range, 20 %", json!({"type": "gte", "key": "year", "value": 2020})),
        (
            "in 10 filenames",
            json!({"type": "in", "key": "filename",
            "value": (0..10).map(|number| format!("{number}.pdf")).collect::<Vec<_>>()}),
        ),
        (
            "1 % of 50 %",
            json!({"type": "and", "filters": [{"type": "eq", "key": "part", "value": 8},
            {"type": "eq", "key": "lang", "value": "zh"}]}),
        ),
        ("ne, 99 %", json!({"type": "ne", "key": "part", "value": 7})),
        ("with a list, looking at each", json!({"type": "eq", "key": "tags", "value": ["manual", "t7"]})),
    ] {
        let filter: Filter = serde_json::from_value(filter).unwrap();
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..5 {
            let start = Instant::now();
            found = store.documents_matching(&base.id, &filter).await.unwrap().len();
            times.push(millis(start));
        }
        println!("documents_matching() among 100,000, {what}: {found} found in {}", spread(times));
    }
    let start = Instant::now();
    let claimed = store.claim(None, LEASE).await.unwrap().unwrap();
    println!("claim() among 100,000: {:.1} ms", millis(start));
    assert_eq!(claimed.base.id, base.id);
    let start = Instant::now();
    store.base_stats(&base.id).await.unwrap();
    println!("base_stats() of 100,000 documents: {:.1} ms", millis(start));
}

async fn new_file(store: &Sqlite, name: &str) -> yizhan_domain::FileId {
    let (tenant, name, purpose) = (TenantId::default_tenant(), name.to_owned(), "assistants".to_owned());
    let new = NewFile { tenant, name, hash: ContentHash("0".repeat(64)), bytes: 1, purpose };
    store.create_file(new).await.unwrap().id
}

async fn submit(store: &Sqlite, base: &Base, number: u64, attributes: serde_json::Value) {
    let name = number.to_string();
    let file = new_file(store, &name).await;
    let attributes = attributes.as_object().unwrap().clone();
    let new = NewDocument { file, source: name.clone(), name, hash: ContentHash("0".repeat(64)), attributes };
    store.submit(&base.id, new).await.unwrap();
}

/// Chunks of 128 tokens of Chinese on six lines, each with a vector.
fn processed(chunks: usize) -> Processed {
    let text = "驿站把文档、检索与受管的生产环境连成一条直路。".repeat(8);
    let line = |number: u32| LineSpan {
        start: number * 90,
        end: number * 90 + 89,
        page: Some(17),
        rect: Some(Rect([72.0, 100.0 + number as f32 * 14.0, 520.0, 112.0 + number as f32 * 14.0])),
    };
    let chunk = NewChunk {
        text,
        heading: vec!["第一章 概述".into(), "1.2 安装".into()],
        lines: (0..6).map(line).collect(),
        section: None,
        tokens: 128,
        vector: (0..DIMENSIONS).map(|at| at as f32 / 1000.0).collect(),
    };
    Processed { pages: Some(250), sections: Vec::new(), chunks: vec![chunk; chunks] }
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn spread(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    format!("p50 {:.2} ms, p95 {:.2} ms, most {:.2} ms", at(0.5), at(0.95), at(1.0))
}

/// Memory of this process, as the kernel counts it.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.map_or("unknown".to_owned(), |text| text.trim().to_owned())
}
