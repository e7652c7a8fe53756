//! Vector search: time per query and recall of the index, beside comparing every row exactly.
//!
//! `bench_search [--rows FILE --queries FILE] [--dimensions N] [--sizes N,N…]`
//!
//! The files hold f32 rows, little endian. Sizes beyond the file are filled with mixtures of two
//! of its rows that keep their mean and covariance; without files the rows are synthetic.
#![allow(clippy::print_stdout, reason = "it prints its results")]

use std::path::Path;
use std::time::{Duration, Instant};
use yizhan_domain::{ChunkId, DocumentId, Error, Result, Sequence};
use yizhan_index::{Change, DocumentSet, Entry, FlatIndex, Hit, VectorIndex};

/// Rows of one document, as a document of some pages has chunks.
const PER_DOCUMENT: usize = 20;

struct Options {
    rows: Option<String>,
    queries: Option<String>,
    dimensions: usize,
    sizes: Vec<usize>,
}

fn main() -> Result<()> {
    let options = options()?;
    let mut random = Random(1);
    let rows = match &options.rows {
        Some(path) => read(path, options.dimensions)?,
        None => (0..20_000).map(|_| synthetic(&mut random, options.dimensions)).collect(),
    };
    let queries = match &options.queries {
        Some(path) => read(path, options.dimensions)?,
        None => (0..500).map(|_| synthetic(&mut random, options.dimensions)).collect(),
    };
    let source = options.rows.as_deref().map_or("synthetic", |_| "from the file");
    println!("{} rows {source}, {} queries, {} dimensions", rows.len(), queries.len(), options.dimensions);
    println!("{:>9} {:>6}  {:^26}  {:^26} {:>7} {:>7}", "", "", "exact, ms", "index, ms", "cpu", "");
    println!(
        "{:>9} {:>6}  {p:>8} {q:>8} {c:>8}  {p:>8} {q:>8} {c:>8} {:>7} {:>7}",
        "rows",
        "filter",
        "ratio",
        "recall",
        p = "p50",
        q = "p99",
        c = "cpu"
    );
    for size in &options.sizes {
        let directory = tempfile::tempdir().map_err(|error| Error::io("making a directory failed", error))?;
        let index = build(directory.path(), &rows, *size, &mut random)?;
        let asked: Vec<&Vec<f32>> = queries.iter().step_by((queries.len() / 300).max(1)).collect();
        measure(&index, &asked, *size, None)?;
        let documents = (*size / PER_DOCUMENT).max(100) as u64;
        let one_percent = DocumentSet::new((0..documents).filter(|n| n % 100 == 7).map(DocumentId).collect());
        measure(&index, &asked, *size, Some(&one_percent))?;
    }
    Ok(())
}

fn build(directory: &Path, rows: &[Vec<f32>], size: usize, random: &mut Random) -> Result<FlatIndex> {
    let dimensions = rows.first().map_or(1, Vec::len);
    let mut centre = vec![0f32; dimensions];
    rows.iter().for_each(|row| centre.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / rows.len() as f32));
    let index = FlatIndex::open(directory, dimensions)?;
    let started = Instant::now();
    for first in (0..size).step_by(PER_DOCUMENT * 500) {
        let mut changes = Vec::new();
        for start in (first..size.min(first + PER_DOCUMENT * 500)).step_by(PER_DOCUMENT) {
            let document = (start / PER_DOCUMENT) as u64;
            let entries = (start..size.min(start + PER_DOCUMENT)).map(|n| Entry {
                chunk: ChunkId(n as u64),
                heading: String::new(),
                text: String::new(),
                vector: if n < rows.len() { rows[n].clone() } else { mixture(rows, &centre, random) },
            });
            changes.push(Change {
                sequence: Sequence(document + 1),
                document: DocumentId(document),
                entries: entries.collect(),
            });
        }
        index.apply(&changes)?;
        index.flush()?;
    }
    let built = started.elapsed();
    drop(index);
    let started = Instant::now();
    let index = FlatIndex::open(directory, dimensions)?;
    println!("{size:>9} built in {:.2} s, opened in {:.3} s", built.as_secs_f64(), started.elapsed().as_secs_f64());
    Ok(index)
}

fn measure(index: &FlatIndex, queries: &[&Vec<f32>], size: usize, within: Option<&DocumentSet>) -> Result<()> {
    let exact_queries = &queries[..queries.len().min((30_000_000 / size).max(50))];
    let exact = timed(exact_queries, |query| index.search_exactly(query, 10, within))?;
    // The first pass warms; the second counts.
    timed(queries, |query| index.search(query, 10, within))?;
    let fast = timed(queries, |query| index.search(query, 10, within))?;
    let wanted: usize = exact.results.iter().map(Vec::len).sum();
    let pairs = exact.results.iter().zip(&fast.results);
    let hits: usize = pairs.map(|(exact, fast)| exact.iter().filter(|hit| fast.contains(hit)).count()).sum();
    let filter = if within.is_some() { "1 %" } else { "none" };
    println!(
        "{size:>9} {filter:>6}  {exact}  {fast} {:>7.1} {:>7.4}",
        exact.cpu / fast.cpu.max(f64::MIN_POSITIVE),
        hits as f64 / wanted.max(1) as f64,
    );
    Ok(())
}

/// What a series of searches took, in milliseconds, and found.
struct Series {
    times: Vec<Duration>,
    /// Processor time a query, which other programs on the machine do not lengthen.
    cpu: f64,
    results: Vec<Vec<Hit>>,
}

impl std::fmt::Display for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (half, most) = (percentile(&self.times, 50), percentile(&self.times, 99));
        write!(f, "{half:>8.3} {most:>8.3} {:>8.3}", self.cpu)
    }
}

fn timed(queries: &[&Vec<f32>], search: impl Fn(&[f32]) -> Result<Vec<Hit>>) -> Result<Series> {
    let (mut times, mut results) = (Vec::new(), Vec::new());
    let before = cpu();
    for query in queries {
        let started = Instant::now();
        results.push(search(query)?);
        times.push(started.elapsed());
    }
    let cpu = (cpu() - before) * 1e3 / queries.len().max(1) as f64;
    times.sort_unstable();
    Ok(Series { times, cpu, results })
}

/// Seconds that this thread has run (0 where the system does not say).
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// In milliseconds; the times are sorted.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    times
        .get((times.len() * percent / 100).min(times.len().saturating_sub(1)))
        .map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn mixture(rows: &[Vec<f32>], centre: &[f32], random: &mut Random) -> Vec<f32> {
    let (a, b) = (random.below(rows.len()), random.below(rows.len()));
    let mixed = rows[a].iter().zip(&rows[b]).zip(centre).map(|((a, b), c)| c + 0.8 * (a - c) + 0.6 * (b - c));
    unit(mixed.collect())
}

/// A point near a common direction and one of a hundred others.
fn synthetic(random: &mut Random, dimensions: usize) -> Vec<f32> {
    let mut topic = Random(random.below(100) as u64 + 1_000);
    unit((0..dimensions).map(|_| 1.0 + topic.uniform() + 0.7 * random.uniform()).collect())
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// From -1 to 1.
    fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

fn read(path: &str, dimensions: usize) -> Result<Vec<Vec<f32>>> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(format!("reading {path} failed"), error))?;
    let values: Vec<f32> = bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    Ok(values.chunks_exact(dimensions).map(<[f32]>::to_vec).collect())
}

fn options() -> Result<Options> {
    let mut options = Options { rows: None, queries: None, dimensions: 384, sizes: vec![10_000, 100_000, 1_000_000] };
    let mut arguments = std::env::args().skip(1);
    let number = |text: &str| text.parse().map_err(|_| Error::invalid("argument", format!("'{text}' is not a number")));
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| Error::invalid("argument", format!("{name} needs a value")))?;
        match name.as_str() {
            "--rows" => options.rows = Some(value),
            "--queries" => options.queries = Some(value),
            "--dimensions" => options.dimensions = number(&value)?,
            "--sizes" => options.sizes = value.split(',').map(number).collect::<Result<_>>()?,
            _ => return Err(Error::invalid("argument", format!("there is no option {name}"))),
        }
    }
    Ok(options)
}
