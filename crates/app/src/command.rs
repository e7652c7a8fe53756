//! Doing what was typed.
//!
//! It does not know how a command's arguments are written, nor how its result is printed in detail.

mod ask;
mod audit;
mod base;
mod config;
mod doctor;
mod eval;
mod ingest;
mod key;
mod model;
mod review;
mod search;
mod secret;
mod serve;
mod tenant;
mod usage;

use crate::cli::{Cli, Command};
use clap::CommandFactory;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use yizhan_domain::{Error, ErrorCode, Result};

/// Exit status after Ctrl-C, as shells expect it.
const INTERRUPTED: u8 = 130;

/// Runs a command to its end, or until Ctrl-C.
pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    let global = cli.global;
    match cli.command {
        Command::Completions { shell } => {
            // Into memory first: the generator panics when a pipe's reader has gone away.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "yizhan", &mut script);
            crate::output::piece(&String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
        Command::Model(command) => drive(stoppable(move |stop| model::run(&global, command, stop))),
        Command::Serve(command) => drive(serve::run(&global, command)),
        Command::Base(command) => interruptible(base::run(&global, command)),
        Command::Ingest(command) => interruptible(ingest::run(&global, command)),
        Command::Search(command) => interruptible(search::run(&global, command)),
        Command::Ask(command) => interruptible(ask::run(&global, command)),
        Command::Config(command) => config::run(&global, command),
        Command::Tenant(command) => interruptible(tenant::run(&global, command)),
        Command::Project(command) => interruptible(tenant::member(&global, "project", command)),
        Command::User(command) => interruptible(tenant::member(&global, "user", command)),
        Command::Key(command) => interruptible(key::run(&global, command)),
        Command::Review(command) => interruptible(review::run(&global, command)),
        Command::Secret(command) => interruptible(secret::run(&global, command)),
        Command::Usage(command) => interruptible(usage::run(&global, command)),
        Command::Audit(command) => interruptible(audit::run(&global, command)),
        Command::Eval(command) => interruptible(eval::run(&global, command)),
        Command::Doctor(command) => interruptible(doctor::run(&global, command)),
    }
}

fn drive<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("yizhan")
        .build()
        .map_err(|cause| Error::io("The program cannot start its threads", cause))?;
    let result = runtime.block_on(work);
    // A blocking read of a terminal or pipe must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Work that Ctrl-C or SIGTERM ends at once: what was acknowledged is in the store, the rest is
/// queued there and goes on with the next run.
fn interruptible(work: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    drive(async {
        tokio::select! {
            result = work => result,
            () = interrupt() => {
                crate::output::print_error(&Error::new(ErrorCode::Cancelled, "Interrupted. The same command goes on where it stopped."));
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    })
}

/// Blocking work that is told to stop, and then waited for.
async fn stoppable(work: impl FnOnce(&AtomicBool) -> Result<ExitCode> + Send + 'static) -> Result<ExitCode> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let mut working = tokio::task::spawn_blocking(move || work(&seen));
    let joined = tokio::select! {
        joined = &mut working => joined,
        () = interrupt() => {
            stop.store(true, Ordering::Relaxed);
            working.await
        }
    };
    match joined {
        Ok(Err(error)) if error.code() == ErrorCode::Cancelled => {
            crate::output::print_error(&error);
            Ok(ExitCode::from(INTERRUPTED))
        }
        Ok(result) => result,
        Err(error) => Err(Error::internal(error.to_string())),
    }
}

/// Ends when the user or the system wants this process to end.
pub(crate) async fn interrupt() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => {
            if result.is_err() {
                std::future::pending::<()>().await;
            }
        }
        () = terminated => {}
    }
}

/// `KEY=VALUE`, or a bare `TAG` as `TAG=true`. Numbers and booleans are taken as such.
fn attribute(text: &str) -> Result<(String, serde_json::Value)> {
    let (key, value) = text.split_once('=').unwrap_or((text, "true"));
    if key.trim().is_empty() {
        return Err(Error::invalid("--tag", format!("'{text}' has no key: write KEY=VALUE or TAG.")));
    }
    let value = match serde_json::from_str::<serde_json::Value>(value) {
        Ok(value) if value.is_number() || value.is_boolean() => value,
        _ => value.into(),
    };
    Ok((key.trim().to_owned(), value))
}
