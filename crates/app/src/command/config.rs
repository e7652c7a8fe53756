//! `yizhan config`: the reference, and the check of a file.
//!
//! It does not know what the fields do.

use crate::cli::{ConfigCommand, Global};
use crate::config::{self, REFERENCE};
use crate::data::{cache_folder, worker_program};
use crate::models::{self, Models};
use crate::{governance, output};
use serde::Serialize;
use std::process::ExitCode;
use yizhan_domain::{Error, Result};
use yizhan_runtime::{Options, Runtime};

#[derive(Serialize)]
struct Checked {
    file: String,
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What is right, and yet may surprise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'static str>,
}

pub(super) fn run(global: &Global, command: ConfigCommand) -> Result<ExitCode> {
    match command {
        ConfigCommand::Reference => {
            output::piece(REFERENCE);
            Ok(ExitCode::SUCCESS)
        }
        ConfigCommand::Check { file } => {
            let mut global = global.clone();
            // A file that was named must be there.
            global.config = Some(file.unwrap_or_else(|| config::config_path(&global)));
            let checked = check(&global);
            report(&global, checked)
        }
    }
}

/// The remarks on a file that is valid.
fn check(global: &Global) -> Result<Vec<&'static str>> {
    let config = config::load(global)?;
    let program = worker_program()?;
    let models = Models::new(models::cache(&cache_folder(global), None)?, Runtime::new(program, Options::default()));
    // Providers need a runtime to live in, though nothing is called.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::io("The program cannot start its threads", cause))?;
    runtime.block_on(async { governance::check(&config, &models) })?;
    governance::remarks(&config)
}

fn report(global: &Global, checked: Result<Vec<&'static str>>) -> Result<ExitCode> {
    let file = config::config_path(global).display().to_string();
    let (notes, error) = match checked {
        Ok(notes) => (notes, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    if global.json {
        let error = error.as_ref().map(|error| error.message().to_owned());
        output::json(&Checked { file, valid: error.is_none(), error, notes });
    } else {
        match &error {
            None => {
                output::line(format!("{file} is valid."));
                notes.iter().for_each(output::note);
            }
            Some(error) => output::print_error(error),
        }
    }
    Ok(if error.is_none() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
