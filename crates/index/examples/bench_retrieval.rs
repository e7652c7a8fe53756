//! Ranking quality of text, vectors, and ways to fuse them, on sets that people know.
//!
//! `bench_retrieval SET…`, each set a JSON file
//! `{"texts":[text…], "queries":[[text,[position…]]…], "rows":FILE, "asked":FILE}`. The last two are
//! optional f32 rows, little endian, one for each text and each query.
#![allow(clippy::print_stdout, reason = "it prints its results")]

use serde::Deserialize;
use std::time::Instant;
use yizhan_domain::{ChunkId, DocumentId, Error, Result, Sequence};
use yizhan_index::{Change, Entry, Hit, MemoryVectorIndex, TantivyIndex, TextIndex, VectorIndex};
use yizhan_index::{fuse_scores, fuse_weighted};

/// Hits of each side that are fused.
const DEPTH: usize = 100;

/// Hits of the text and of the vectors → one list.
type Fusion<'a> = dyn Fn(&[Hit], &[Hit]) -> Vec<Hit> + 'a;

#[derive(Deserialize)]
struct Set {
    texts: Vec<String>,
    queries: Vec<(String, Vec<u64>)>,
    rows: Option<String>,
    asked: Option<String>,
}

fn main() -> Result<()> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).map_err(|error| Error::io(format!("reading {path} failed"), error))?;
        let set: Set =
            serde_json::from_slice(&bytes).map_err(|error| Error::invalid(path.as_str(), error.to_string()))?;
        println!("{path}: {} texts, {} queries", set.texts.len(), set.queries.len());
        measure(&set)?;
    }
    Ok(())
}

fn measure(set: &Set) -> Result<()> {
    let directory = tempfile::tempdir().map_err(|error| Error::io("making a directory failed", error))?;
    let text = TantivyIndex::open(directory.path(), &[])?;
    let rows = set.rows.as_deref().map(read).transpose()?.unwrap_or_default();
    let asked = set.asked.as_deref().map(read).transpose()?.unwrap_or_default();
    let entries = set.texts.iter().enumerate().map(|(n, text)| Change {
        sequence: Sequence(n as u64 + 1),
        document: DocumentId(n as u64),
        entries: vec![Entry {
            chunk: ChunkId(n as u64),
            heading: String::new(),
            text: text.clone(),
            vector: rows.get(n).cloned().unwrap_or_default(),
        }],
    });
    let changes: Vec<Change> = entries.collect();
    let started = Instant::now();
    text.apply(&changes)?;
    println!("  text indexed in {:.2} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    let bm25 = set.queries.iter().map(|(query, _)| text.search(query, DEPTH, None)).collect::<Result<Vec<_>>>()?;
    println!("  {:.0} µs a query", started.elapsed().as_secs_f64() * 1e6 / set.queries.len() as f64);
    report("bm25", set, &bm25);
    let Some(dimensions) = asked.first().map(Vec::len) else { return Ok(()) };
    let vectors = MemoryVectorIndex::new(dimensions);
    vectors.apply(&changes)?;
    let dense = asked.iter().map(|query| vectors.search(query, DEPTH, None)).collect::<Result<Vec<_>>>()?;
    report("dense", set, &dense);
    let each =
        |fuse: &Fusion| -> Vec<Vec<Hit>> { bm25.iter().zip(&dense).map(|(text, dense)| fuse(text, dense)).collect() };
    for k in [5.0, 20.0, 60.0] {
        for weight in [0.5, 1.0, 2.0] {
            let fused = each(&|text, dense| fuse_weighted(&[(text, 1.0), (dense, weight)], k));
            report(&format!("ranks, k {k}, dense x {weight}"), set, &fused);
        }
    }
    for weight in [0.5, 0.75, 1.0, 1.5, 2.0] {
        let fused = each(&|text, dense| fuse_scores(&[(text, 1.0), (dense, weight)]));
        report(&format!("scores, dense x {weight}"), set, &fused);
    }
    Ok(())
}

fn report(name: &str, set: &Set, results: &[Vec<Hit>]) {
    let (mut first, mut reciprocal, mut within) = (0.0, 0.0, [0.0; 3]);
    for ((_, wanted), hits) in set.queries.iter().zip(results) {
        let right = |hit: &Hit| wanted.contains(&hit.chunk.0);
        if let Some(rank) = hits.iter().take(10).position(right) {
            reciprocal += 1.0 / (rank as f64 + 1.0);
            first += f64::from(rank == 0);
        }
        for (sum, depth) in within.iter_mut().zip([5, 10, 20]) {
            *sum += hits.iter().take(depth).filter(|hit| right(hit)).count() as f64 / wanted.len().max(1) as f64;
        }
    }
    let n = results.len().max(1) as f64;
    let [five, ten, twenty] = within.map(|sum| sum / n);
    println!(
        "  {name:<24} hit@1 {:.4}  mrr@10 {:.4}  recall@5/10/20 {five:.4} {ten:.4} {twenty:.4}",
        first / n,
        reciprocal / n
    );
}

fn read(path: &str) -> Result<Vec<Vec<f32>>> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(format!("reading {path} failed"), error))?;
    let values: Vec<f32> = bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    Ok(values.chunks_exact(384).map(<[f32]>::to_vec).collect())
}
