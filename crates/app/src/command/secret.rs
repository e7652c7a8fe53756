//! `yizhan secret …`.
//!
//! It does not know how secrets are sealed or kept. A value is never an argument: those are seen by every process of
//! the machine, and kept in the shell's history.

use super::tenant::text;
use crate::cli::{Global, SecretCommand};
use crate::desk::Desk;
use crate::terminal::Unseen;
use crate::{output, table};
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Read};
use std::process::ExitCode;
use yizhan_domain::{Error, Result};
use yizhan_server::admin::time;
use zeroize::Zeroizing;

/// More than any secret has, so that a wrong file is not read whole.
const MOST: u64 = 64 << 10;

pub(super) async fn run(global: &Global, command: SecretCommand) -> Result<ExitCode> {
    match command {
        SecretCommand::Set { name } => {
            let value = read(&name).await?;
            let set = Desk::open(global).await?.set_secret(&name, json!({"value": value.as_str()})).await?;
            if global.json {
                output::json(&set);
            } else {
                output::note(format!("The secret '{name}' is kept; use it as `key = {{ store = \"{name}\" }}`."));
            }
        }
        SecretCommand::List => list(&Desk::open(global).await?.secrets().await?, global.json),
        SecretCommand::Rm { name } => Desk::open(global).await?.remove_secret(&name).await?,
        SecretCommand::Rekey { to } => {
            let count = Desk::open(global).await?.rekey(to.clone()).await?;
            if global.json {
                output::json(&json!({"resealed": count}));
            } else {
                output::note(format!("{count} secrets are sealed with the new master key. Keep a copy of it."));
                if let Some(file) = to {
                    let how = "name it with `[secrets] key`, or put it where the present one comes from.";
                    output::note(format!("From now on the master key is the one in {}: {how}", file.display()));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The value: typed unseen, or all of standard input.
async fn read(name: &str) -> Result<Zeroizing<String>> {
    // Lives here and not on the reading thread, so that an interrupt gives the terminal back as it was.
    let unseen = if std::io::stdin().is_terminal() { Some(Unseen::begin()?) } else { None };
    if unseen.is_some() {
        output::prompt(&format!("Value of '{name}', not shown: "));
    }
    let is_typed = unseen.is_some();
    let read = tokio::task::spawn_blocking(move || {
        let mut value = Zeroizing::new(String::new());
        let mut input = std::io::stdin().lock().take(MOST);
        let read = if is_typed { input.read_line(&mut value) } else { input.read_to_string(&mut value) };
        read.map(|_| value)
    });
    let value = read.await.map_err(|cause| Error::internal(cause.to_string()))?;
    if unseen.is_some() {
        output::note("");
    }
    let value = value.map_err(|cause| Error::invalid("value", format!("The value cannot be read: {cause}.")))?;
    Ok(Zeroizing::new(value.trim().to_owned()))
}

fn list(secrets: &[Value], as_json: bool) {
    if as_json {
        return output::json(&secrets);
    }
    if secrets.is_empty() {
        return output::line("No secrets yet: `yizhan secret set NAME` keeps one.");
    }
    let rows: Vec<table::Row> = secrets.iter().map(row).collect();
    table::print(&["NAME", "SET", "VALUE"], &rows, usize::MAX);
    if let Some(fault) = secrets.iter().find_map(|secret| secret["fault"].as_str()) {
        output::note(fault);
    }
}

fn row(secret: &Value) -> table::Row {
    let set = time::write(secret["changed_ms"].as_i64().unwrap_or_default(), 0);
    let value = match (&secret["fault"], &secret["ending"]) {
        (Value::String(_), _) => "cannot be opened".to_owned(),
        (_, Value::String(ending)) => format!("…{ending}"),
        _ => "…".to_owned(),
    };
    vec![text(secret, "id"), set, value]
}
