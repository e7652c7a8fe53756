//! What pricing and counting a call costs: `cargo run --release -p yizhan-metering --example metering_cost`.
#![allow(clippy::print_stdout, reason = "it is a program that prints")]

use std::sync::Arc;
use std::time::Instant;
use yizhan_domain::{Result, Usage};
use yizhan_metering::{Call, Meter, PriceBook};
use yizhan_store::MemoryStore;

const CALLS: u64 = 200_000;

fn report(what: &str, start: Instant) {
    println!("{what}: {:.2} us a call", start.elapsed().as_nanos() as f64 / 1000.0 / CALLS as f64);
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let book = PriceBook::parse(include_str!("prices.toml"))?;
    let usage =
        |n: u64| Usage { prompt_tokens: n as u32, cached_tokens: 64, completion_tokens: 300, ..Usage::default() };
    let at_ms = 1_780_000_000_000;
    let start = Instant::now();
    let mut sum = 0;
    for n in 0..CALLS {
        sum += book.cost("qwen3-max", "dashscope", &usage(n), at_ms).map_or(0, |(amount, _)| amount.0);
    }
    report("cost", start);
    let start = Instant::now();
    for n in 0..CALLS {
        sum += book.estimate("qwen3-max", "dashscope", n as u32, 1000, at_ms).map_or(0, |amount| amount.0);
    }
    report("estimate", start);
    let start = Instant::now();
    for n in 0..CALLS {
        sum += book.charge("qwen3-max", "dashscope", &usage(n), at_ms).map_or(0, |charge| charge.amount.0);
    }
    report("charge, explained", start);
    let meter = Meter::open(Arc::new(MemoryStore::new()), "audit").await?;
    let users: Vec<String> = (0..500).map(|number| format!("user-{number:024}")).collect();
    let start = Instant::now();
    for n in 0..CALLS {
        let (tenant, user, model) = ("clinic", users[n as usize % users.len()].as_str(), "qwen3-max");
        meter.add(n + 1, &Call { time_ms: at_ms, tenant, user, model, usage: usage(n), ..Call::default() });
    }
    report("Meter::add", start);
    println!("{} rows, sum {sum}", meter.rows());
    Ok(())
}
