//! `kill -9` in the middle of ingestion: nothing acknowledged is lost, nothing doubled, nothing stuck.

use crate::support::{EMBEDDING, House, Running, need};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A small generator (xorshift64) with a fixed seed: the same points on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A part of the whole, evenly spread.
    fn part_of(&mut self, whole: Duration) -> Duration {
        whole.mul_f64((self.next() % 10_000) as f64 / 10_000.0)
    }
}

/// The word that only this document has.
fn word(number: usize) -> String {
    format!("zork{}", char::from(b'a' + number as u8))
}

/// Documents with a word of their own each, of one to several chunks.
fn fill(house: &House, count: usize, lines: usize) {
    for number in 0..count {
        let ending = ["txt", "md", "csv"][number % 3];
        let mut text = format!("{}, first line\n\n", word(number));
        for line in 0..lines * (1 + number % 4) {
            text.push_str(&format!("Document {number}, line {line}: pumps need oil and 阀门需要检查\n"));
        }
        house.write(&format!("{number:02}.{ending}"), text);
    }
}

fn start(house: &House) -> Running {
    Running::start(house.command(&["ingest", house.documents().to_str().unwrap(), "--base", "manual", "--json"]))
}

/// What an undisturbed run yields, and how long it takes.
struct Whole {
    base: Value,
    time: Duration,
}

/// Lets ingestion run for that long, kills it, and returns what it had acknowledged.
fn interrupted(house: &House, time: Duration) -> BTreeMap<String, Value> {
    let end = Instant::now() + time;
    let running = start(house);
    let mut lines = Vec::new();
    // Ends early when ingestion does: then nothing is interrupted, but all of it must be there.
    while let Ok(line) = running.line_within(end.saturating_duration_since(Instant::now())) {
        lines.push(line);
    }
    lines.extend(running.kill());
    // A line cut off by the kill acknowledged nothing.
    let complete = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    complete
        .filter(|line| line["state"] == "ready")
        .map(|line| (line["document"].as_str().unwrap().to_owned(), line))
        .collect()
}

fn check_after_kill(house: &House, acknowledged: &BTreeMap<String, Value>) {
    let shown = house.ok(&["base", "show", "manual", "--documents", "--json"]).lines();
    let (base, documents) = shown.split_first().unwrap();
    assert!(base["states"].get("processing").is_none(), "a dead process holds a lease: {base}");
    assert!(base["states"].get("failed").is_none(), "{shown:?}");
    for line in acknowledged.values() {
        let kept: Vec<&Value> = documents.iter().filter(|one| one["document"] == line["document"]).collect();
        assert_eq!(kept, [line], "acknowledged, and now different");
    }
}

fn check_complete(house: &House, whole: &Whole, count: usize) {
    let ran = house.ingest("manual");
    assert_eq!((ran.code, ran.lines().len()), (0, count), "{ran:?}");
    let base = house.base("manual");
    assert_eq!(base, whole.base);
    assert_eq!((&base["documents"], &base["states"]), (&json!(count), &json!({"ready": count})));
    // The indexes are derived: they too have everything once.
    for number in 0..count {
        check_found_once(house, number);
    }
}

fn check_found_once(house: &House, number: usize) {
    let found = house.search("manual", &word(number), &["--mode", "bm25", "-k", "50"]);
    assert!(!found.is_empty(), "{} is not found", word(number));
    let of_it = |one: &Value| one["document"].as_str().unwrap().starts_with(&format!("{number:02}."));
    assert!(found.iter().all(of_it), "{found:?}");
    // A table's chunks repeat its first row, and still differ.
    let texts: BTreeSet<&str> = found.iter().map(|one| one["text"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), found.len(), "doubled: {found:?}");
}

fn undisturbed(make: &dyn Fn(&House)) -> Whole {
    let house = House::new();
    make(&house);
    let begin = Instant::now();
    assert_eq!(house.ingest("manual").code, 0);
    Whole { time: begin.elapsed(), base: house.base("manual") }
}

/// Kills ingestion twice in a fresh data folder, `rounds` times over, and completes it. Returns
/// how many of the kills came when a part of the documents was ready.
fn kill_often(make: &dyn Fn(&House), count: usize, rounds: usize, seed: u64) -> usize {
    let mut midway = 0;
    let whole = undisturbed(make);
    let mut random = Random(seed);
    for _ in 0..rounds {
        let house = House::new();
        make(&house);
        let mut acknowledged = BTreeMap::new();
        for _ in 0..2 {
            acknowledged.extend(interrupted(&house, random.part_of(whole.time)));
            check_after_kill(&house, &acknowledged);
            midway += usize::from((1..count).contains(&acknowledged.len()));
        }
        check_complete(&house, &whole, count);
    }
    midway
}

#[test]
fn ingestion_survives_kills_at_many_points() {
    let make = |house: &House| {
        house.text_base("manual");
        fill(house, 20, 12);
    };
    let midway = kill_often(&make, 20, 7, 0x9E37_79B9_7F4A_7C15);
    assert!(midway >= 3, "only {midway} of 14 kills came midway: this tests little");
}

#[test]
fn ingestion_with_a_real_model_survives_kills() {
    need(EMBEDDING);
    let make = |house: &House| {
        house.ok(&["base", "create", "manual"]);
        fill(house, 5, 4);
    };
    kill_often(&make, 5, 2, 0x2545_F491_4F6C_DD1D);
}

#[test]
fn a_killed_server_goes_on_at_its_next_start() {
    let house = House::new();
    house.text_base("manual");
    fill(&house, 12, 12);
    let server = house.serve();
    let mut client = start(&house);
    // The server dies while the client still waits for most of its documents.
    let first: Value = serde_json::from_str(&client.line().unwrap()).unwrap();
    assert_eq!(first["state"], "ready");
    server.running.kill();
    client.wait();
    let sent = house.base("manual")["documents"].as_u64().unwrap();
    assert!(sent >= 1);

    let server = house.serve();
    let begin = Instant::now();
    while house.base("manual")["states"] != json!({"ready": sent}) {
        assert!(begin.elapsed() < Duration::from_secs(30), "stuck: {}", house.base("manual"));
    }
    assert_eq!(house.ingest("manual").code, 0);
    assert_eq!(house.base("manual")["states"], json!({"ready": 12}));
    (0..12).for_each(|number| check_found_once(&house, number));
    drop(server);
}

#[test]
fn an_interrupted_ingestion_says_so_and_goes_on() {
    let make = |house: &House| {
        house.text_base("manual");
        fill(house, 20, 12);
    };
    let whole = undisturbed(&make);
    let house = House::new();
    make(&house);
    let mut running = start(&house);
    running.line().expect("no document was acknowledged");
    running.terminate();
    let status = running.wait();
    assert_eq!(status.code(), Some(130), "{}", running.errors());
    assert!(running.errors().contains("goes on where it stopped"), "{}", running.errors());
    check_complete(&house, &whole, 20);
}
