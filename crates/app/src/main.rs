//! The program `yizhan`: command line, configuration, assembly. The only crate that names drivers.
//!
//! `cli` says what can be typed, `command` does it, `station` is the assembled house or a
//! connection to the one that a server holds, `assembly` puts drivers behind the traits.

mod assembly;
mod backend;
mod cli;
mod command;
mod config;
mod data;
mod desk;
mod governance;
mod limits;
mod log;
mod memory;
mod models;
mod output;
mod secrets;
mod station;
mod table;
mod terminal;
mod tls;
mod traces;
mod upkeep;
mod usage;
mod watch;
mod worker;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = worker::run_if_asked(std::env::args_os()) {
        return code;
    }
    let cli = cli::Cli::parse();
    log::start(&cli.global);
    match command::run(cli) {
        Ok(code) => code,
        Err(error) => {
            output::print_error(&error);
            ExitCode::from(1)
        }
    }
}
