//! How often the semantic cache would answer wrongly, and how often it would help, on `testdata/pairs.jsonl`.
//!
//! ```text
//! pairs                                  the recorded similarities
//! pairs URL MODEL [KEY] [--record]       asks an OpenAI-compatible endpoint, e.g. http://127.0.0.1:8080/v1/embeddings
//! ```
//!
//! With `--record` the similarities are written down for the test that checks the default threshold.
#![allow(clippy::print_stdout, reason = "an example program prints")]

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;
use yizhan_cache::Facts;

#[derive(Deserialize)]
struct Pair {
    lang: String,
    family: String,
    same: bool,
    half: String,
    a: String,
    b: String,
}

#[derive(Serialize, Deserialize)]
struct Recorded {
    /// The embedding model.
    model: String,
    /// One cosine a pair, in the order of the file.
    cosines: Vec<f32>,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "testdata", name].iter().collect()
}

fn main() -> Outcome<()> {
    let (options, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let pairs: Vec<Pair> =
        std::fs::read_to_string(file("pairs.jsonl"))?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let recorded = match words.as_slice() {
        [url, model, rest @ ..] => ask(&pairs, url, model, rest.first().map(String::as_str))?,
        _ => serde_json::from_str(&std::fs::read_to_string(file("similarities.json"))?)?,
    };
    if options.iter().any(|option| option == "--record") {
        std::fs::write(file("similarities.json"), serde_json::to_string(&recorded)? + "\n")?;
    }
    println!("{} pairs, {}", pairs.len(), recorded.model);
    for half in ["choose", "report"] {
        table(&pairs, &recorded.cosines, half);
    }
    if options.iter().any(|option| option == "--list") {
        list(&pairs, &recorded.cosines);
    }
    Ok(())
}

/// The cosine of each pair's two texts, both as queries.
fn ask(pairs: &[Pair], url: &str, model: &str, key: Option<&str>) -> Outcome<Recorded> {
    let texts: BTreeSet<&str> = pairs.iter().flat_map(|pair| [pair.a.as_str(), &pair.b]).collect();
    let texts: Vec<&str> = texts.into_iter().collect();
    let mut vectors: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for texts in texts.chunks(64) {
        let mut request = ureq::post(url);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let body = json!({"model": model, "input": texts, "input_type": "query"});
        let answer: Value = request.send_json(body)?.body_mut().read_json()?;
        let data = answer["data"].as_array().ok_or("the endpoint sent no data")?;
        for (text, item) in texts.iter().zip(data) {
            vectors.insert(text, serde_json::from_value(item["embedding"].clone())?);
        }
    }
    let cosine = |pair: &Pair| -> Outcome<f32> {
        let (a, b) = (vectors.get(pair.a.as_str()), vectors.get(pair.b.as_str()));
        let (a, b) = (a.ok_or("a vector is missing")?, b.ok_or("a vector is missing")?);
        let dot: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        Ok((dot * 10_000.0).round() / 10_000.0)
    };
    let cosines = pairs.iter().map(cosine).collect::<Outcome<Vec<f32>>>()?;
    Ok(Recorded { model: model.to_owned(), cosines })
}

fn verified(pair: &Pair) -> bool {
    Facts::of(&pair.a).zip(Facts::of(&pair.b)).is_some_and(|(a, b)| a.agree(&b))
}

/// Hits among pairs that have the same answer, and among those that have not.
fn table(pairs: &[Pair], cosines: &[f32], half: &str) {
    let rows: Vec<(&Pair, f32)> =
        pairs.iter().zip(cosines.iter().copied()).filter(|(pair, _)| pair.half == half).collect();
    let share = |same: bool, hits: &dyn Fn(&Pair, f32) -> bool| {
        let all: Vec<_> = rows.iter().filter(|(pair, _)| pair.same == same).collect();
        let hit = all.iter().filter(|(pair, cosine)| hits(pair, *cosine)).count();
        format!("{hit:>3}/{:<3} {:>5.1} %", all.len(), 100.0 * hit as f32 / all.len().max(1) as f32)
    };
    println!("\nhalf '{half}'   cosine alone                       cosine and facts");
    println!("threshold    same answer     other answer       same answer     other answer");
    for threshold in [0.80, 0.88, 0.90, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99] {
        let alone = |_: &Pair, cosine: f32| cosine >= threshold;
        let both = |pair: &Pair, cosine: f32| cosine >= threshold && verified(pair);
        let columns = [share(true, &alone), share(false, &alone), share(true, &both), share(false, &both)];
        println!("{threshold:<10}  {}", columns.join("  "));
    }
}

/// What facts decide wrongly, in the half that may be looked at.
fn list(pairs: &[Pair], cosines: &[f32]) {
    for (pair, cosine) in
        pairs.iter().zip(cosines).filter(|(pair, _)| pair.half == "choose" && pair.same != verified(pair))
    {
        let difference = Facts::of(&pair.a).zip(Facts::of(&pair.b)).and_then(|(a, b)| a.difference(&b));
        let why = difference.map_or("-", |difference| difference.as_str());
        println!("{} {:<10} {cosine:.3} {why:<9} {} | {}", pair.lang, pair.family, pair.a, pair.b);
    }
}
