//! Checks of the house that no other tool makes, and documents that are made from the source.
//!
//! `cargo xtask tidy` lists every finding as `path:line: sentence` and fails when there is one. `cargo xtask errors` writes
//! docs/errors.md. It knows no crate of the workspace: it reads their files.

mod errors;
mod finding;
mod tidy;
mod tree;

use finding::Finding;
use std::io::Write;
use std::process::ExitCode;
use tree::Tree;

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    match run(&task) {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            let lines: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
            // A closed pipe takes nothing more; the exit status tells the rest.
            let _ = std::io::stdout().write_all(lines.as_bytes());
            say(&format!("{} finding(s)", findings.len()));
            ExitCode::FAILURE
        }
        Err(reason) => {
            say(&reason);
            ExitCode::from(2)
        }
    }
}

fn run(task: &str) -> Result<Vec<Finding>, String> {
    match task {
        "tidy" => tidy::check(&Tree::read()?),
        "errors" => errors::write(&Tree::read()?).map(|()| Vec::new()),
        _ => Err("usage: cargo xtask tidy | errors".to_owned()),
    }
}

fn say(sentence: &str) {
    // Nothing can be done about a closed standard error.
    let _ = writeln!(std::io::stderr(), "xtask: {sentence}");
}
