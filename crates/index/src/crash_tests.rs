//! Both indexes under `kill -9`: a child process changes them until it is killed, then they are opened here.

use crate::contract::change;
use crate::{FlatIndex, Hit, TantivyIndex, TextIndex, VectorIndex};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use yizhan_domain::Sequence;

/// Documents that take turns in being replaced.
const DOCUMENTS: u64 = 7;

fn open(directory: &Path) -> (TantivyIndex, FlatIndex) {
    let text = TantivyIndex::open(&directory.join("text"), &[]).unwrap();
    (text, FlatIndex::open(&directory.join("vectors"), 4).unwrap())
}

/// Chunks that are there after this many rounds.
fn expected(rounds: u64) -> BTreeSet<u64> {
    let last = |document| (1..=rounds).rev().find(|round| round % DOCUMENTS == document);
    (0..DOCUMENTS).filter_map(last).flat_map(|round| [round * 10, round * 10 + 1]).collect()
}

fn found(hits: &[Hit]) -> BTreeSet<u64> {
    hits.iter().map(|hit| hit.chunk.0).collect()
}

#[test]
fn nothing_flushed_is_lost_and_nothing_is_half_there() {
    for rounds in [1, 8, 25] {
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash_tests::changes_until_it_is_killed", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.as_mut().unwrap(), "{}", directory.path().display()).unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
        let acknowledged = lines.filter(|line| line.starts_with("flushed ")).take(rounds).count() as u64;
        assert_eq!(acknowledged, rounds as u64, "the child ended early");
        child.kill().unwrap();
        child.wait().unwrap();
        let (text, vectors) = open(directory.path());
        let (Sequence(in_text), Sequence(in_vectors)) = (text.applied(), vectors.applied());
        assert!(in_text >= acknowledged && in_vectors >= acknowledged, "{in_text}, {in_vectors} of {acknowledged}");
        assert_eq!(found(&text.search("common", 1_000, None).unwrap()), expected(in_text));
        assert_eq!(found(&vectors.search(&[0.0; 4], 1_000, None).unwrap()), expected(in_vectors));
    }
}

/// The child of the test above, which names a directory on its standard input.
#[test]
fn changes_until_it_is_killed() {
    let mut directory = String::new();
    std::io::stdin().read_line(&mut directory).unwrap();
    if directory.trim().is_empty() {
        return;
    }
    let (text, vectors) = open(Path::new(directory.trim()));
    // A bound, for when nobody kills it.
    for round in 1..10_000 {
        let row = [1.0, round as f32, 0.0, 0.0];
        let entries: [(u64, &str, &[f32]); 2] =
            [(round * 10, "common one", &row), (round * 10 + 1, "common two", &row)];
        let changes = [change(round, round % DOCUMENTS, &entries)];
        text.apply(&changes).unwrap();
        vectors.apply(&changes).unwrap();
        text.flush().unwrap();
        vectors.flush().unwrap();
        // Straight to the descriptor: what is printed has been flushed.
        writeln!(std::io::stdout(), "\nflushed {round}").unwrap();
    }
}
