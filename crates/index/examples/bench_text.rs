//! Text search: time to index, time per query with and without a filter, memory.
//!
//! `bench_text SET [BATCH]`, the set as `bench_retrieval` takes it; `BATCH` chunks are applied at a time.
#![allow(clippy::print_stdout, reason = "it prints its results")]

use serde::Deserialize;
use std::time::{Duration, Instant};
use yizhan_domain::{ChunkId, DocumentId, Error, Result, Sequence};
use yizhan_index::{Change, DocumentSet, Entry, TantivyIndex, TextIndex};

/// Chunks of one document.
const PER_DOCUMENT: usize = 20;

#[derive(Deserialize)]
struct Set {
    texts: Vec<String>,
    queries: Vec<(String, Vec<u64>)>,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or_else(|| Error::invalid("argument", "name a file with texts and queries"))?;
    let batch = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let bytes = std::fs::read(&path).map_err(|error| Error::io(format!("reading {path} failed"), error))?;
    let set: Set = serde_json::from_slice(&bytes).map_err(|error| Error::invalid(path, error.to_string()))?;
    drop(bytes);
    let directory = tempfile::tempdir().map_err(|error| Error::io("making a directory failed", error))?;
    let index = TantivyIndex::open(directory.path(), &[])?;
    let before = resident();
    let started = Instant::now();
    for (n, texts) in set.texts.chunks(batch).enumerate() {
        index.apply(&changes(texts, n * batch))?;
    }
    index.flush()?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{} chunks in {seconds:.1} s, {batch} at a time, {} MB more memory", index.len(), resident() - before);
    let started = Instant::now();
    index.apply(&changes(&set.texts[..PER_DOCUMENT.min(set.texts.len())], 0))?;
    println!("one document again: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    let documents = (set.texts.len() / PER_DOCUMENT) as u64;
    let one_percent = DocumentSet::new((0..documents).filter(|n| n % 100 == 7).map(DocumentId).collect());
    for (name, within) in [("no filter", None), ("1 % filter", Some(&one_percent))] {
        for top in [10, 100] {
            let mut times = Vec::new();
            for (query, _) in &set.queries {
                let started = Instant::now();
                index.search(query, top, within)?;
                times.push(started.elapsed());
            }
            times.sort_unstable();
            println!("{name}, top {top}: p50 {:.3} ms, p99 {:.3} ms", at(&times, 50), at(&times, 99));
        }
    }
    Ok(())
}

fn changes(texts: &[String], first: usize) -> Vec<Change> {
    let entry = |(n, text): (usize, &String)| Entry {
        chunk: ChunkId(n as u64),
        heading: String::new(),
        text: text.clone(),
        vector: Vec::new(),
    };
    let documents = texts.chunks(PER_DOCUMENT).enumerate();
    documents
        .map(|(n, texts)| {
            let start = first + n * PER_DOCUMENT;
            let document = (start / PER_DOCUMENT) as u64;
            let entries = texts.iter().enumerate().map(|(k, text)| entry((start + k, text))).collect();
            Change { sequence: Sequence(document + 1), document: DocumentId(document), entries }
        })
        .collect()
}

/// In milliseconds; the times are sorted.
fn at(times: &[Duration], percent: usize) -> f64 {
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// Anonymous memory of this process in MB (0 where the system does not say).
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<i64>().ok()).unwrap_or(0) / 1024
}
