//! The small programs that `bench/gateway/run` measures gateways with: a model server that answers from a script, the
//! least proxy there can be, and a load generator that checks every reply.
//!
//! Usage: `bench_gateway mock | floor UPSTREAM | load … | hold …`. The servers print `ready http://ADDRESS` and serve until
//! they are ended; the others print one JSON line. None of them knows which gateway it stands beside.

mod arguments;
mod caller;
mod clock;
mod floor;
mod load;
mod mock;
mod script;

use arguments::Arguments;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let arguments = Arguments::read(words)?;
    // One thread each: they share the machine with what is measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command.as_str() {
            "mock" => mock::run(&arguments).await,
            "floor" => floor::run(&arguments).await,
            "load" => load::run(&arguments).await,
            "hold" => load::hold(&arguments).await,
            _ => Err("usage: bench_gateway mock | floor | load | hold (see bench/gateway/run)".into()),
        }
    })
}

/// Prints a line for the program that started this one.
#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn say(line: impl std::fmt::Display) {
    println!("{line}");
}
