//! What of an installation lies on this machine: configuration, certificate, secrets, audit log, prices, clock.
//!
//! It changes nothing, and does not know how the things that it looks at work.

use super::{Finding, Level};
use crate::cli::Global;
use crate::config::{self, Config};
use crate::data::data_folder;
use crate::models::Models;
use crate::{governance, secrets};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use yizhan_audit::{Entries, Key};
use yizhan_domain::{Error, Result};
use yizhan_metering::PriceBook;
use yizhan_provider::ProviderConfig;
use yizhan_server::TlsFiles;
use yizhan_server::admin::time::{now_ms, write};
use yizhan_sqlite::Sqlite;
use yizhan_vault::Vault;

const DAY_MS: i64 = 86_400_000;
/// A certificate that ends sooner needs somebody's attention.
const SOON_DAYS: i64 = 21;
/// Providers change their prices more often than that.
const OLD_DAYS: i64 = 180;
/// So many records at the log's end are looked at.
const LAST_RECORDS: u64 = 100;

/// The configuration, and what is wrong with it.
pub(super) fn configuration(global: &Global, models: &Models) -> (Option<Config>, Finding) {
    let path = config::config_path(global);
    let bad = |error: &Error| {
        let advice = "`yizhan config reference` explains every field, `yizhan config check` repeats this check.";
        Finding::not_ok("configuration", Level::Fail, error.message(), advice)
    };
    let config = match config::load(global) {
        Ok(config) => config,
        Err(error) => return (None, bad(&error)),
    };
    let finding = match governance::check(&config, models) {
        Err(error) => bad(&error),
        Ok(()) if path.exists() => Finding::ok("configuration", format!("{} is valid", path.display())),
        Ok(()) => Finding::ok("configuration", format!("none in {}: defaults hold", path.display())),
    };
    (Some(config), finding)
}

/// The server's certificate.
pub(super) fn tls(files: Option<TlsFiles>) -> Vec<Finding> {
    let Some(files) = files else { return Vec::new() };
    let mut findings: Vec<Finding> = private("tls", &files.key).into_iter().collect();
    let cert = files.cert.display();
    let renew = "Renew it; a running server takes the changed files by itself.";
    findings.push(match files.check() {
        Err(error) => Finding::not_ok("tls", Level::Fail, error.message(), "Put certificate and key there, in PEM."),
        Ok(validity) => {
            let (from, until) = (write(validity.from_ms, 0), write(validity.until_ms, 0));
            let days = (validity.until_ms - now_ms()).div_euclid(DAY_MS);
            if validity.from_ms > now_ms() {
                let advice = "Look at this machine's clock, or wait.";
                Finding::not_ok("tls", Level::Fail, format!("{cert} does not hold before {from}"), advice)
            } else if days < 0 {
                Finding::not_ok("tls", Level::Fail, format!("{cert} ended {until}"), renew)
            } else if days < SOON_DAYS {
                Finding::not_ok("tls", Level::Warn, format!("{cert} ends in {days} days, {until}"), renew)
            } else {
                Finding::ok("tls", format!("{cert} and its key fit, until {until}"))
            }
        }
    });
    findings
}

/// The vault as it lies there; none while no secret was ever set.
pub(super) fn vault(config: &Config, data: &Path) -> Result<Option<Vault>> {
    let store = Sqlite::look(data)?;
    Ok(store.map(|store| Vault::new(Arc::new(store), secrets::key_place(config, data))))
}

/// Secrets, and the master key that opens them.
pub(super) async fn sealed(config: &Config, data: &Path) -> Vec<Finding> {
    let bad =
        |error: &Error| Finding::not_ok("secrets", Level::Fail, error.message(), "`yizhan secret list` shows all.");
    let kept = match vault(config, data) {
        Ok(None) => Vec::new(),
        Ok(Some(vault)) => match vault.list().await {
            Ok(kept) => kept,
            Err(error) => return vec![bad(&error)],
        },
        Err(error) => return vec![bad(&error)],
    };
    let mut findings = Vec::new();
    for (name, by) in secrets::needed(config) {
        if !kept.iter().any(|secret| secret.name == name) {
            let message = format!("{by} needs the secret '{name}', which is not kept");
            findings.push(Finding::not_ok("secrets", Level::Fail, message, format!("yizhan secret set {name}")));
        }
    }
    if let Some(path) = secrets::key_place(config, data).path().filter(|_| !kept.is_empty()) {
        findings.extend(private("secrets", path));
    }
    match kept.iter().find_map(|secret| secret.fault.as_ref()) {
        Some(fault) => findings.push(bad(fault)),
        None if kept.is_empty() => {}
        None => findings.push(Finding::ok("secrets", format!("{} kept, and the master key opens them", kept.len()))),
    }
    findings
}

/// The audit log's key, and the log's end.
pub(super) fn audit(global: &Global) -> Vec<Finding> {
    let folder = data_folder(global).join("audit");
    if !folder.exists() {
        return vec![Finding::ok("audit log", "none yet: nothing was called")];
    }
    let path = config::audit_key(global);
    let mut findings: Vec<Finding> = private("audit log", &path).into_iter().collect();
    let end = || -> Result<u64> {
        let mut entries = Entries::tail(&folder, &Key::load(&path)?, LAST_RECORDS)?;
        let mut last = 0;
        while let Some(stored) = entries.next()? {
            last = stored.sequence;
        }
        Ok(last)
    };
    findings.push(match end() {
        Ok(last) => Finding::ok("audit log", format!("{last} records, intact at its end")),
        Err(error) => {
            let advice = "`yizhan audit verify` looks at all of it and says where it is broken.";
            Finding::not_ok("audit log", Level::Fail, error.message(), advice)
        }
    });
    findings
}

/// The price list: its age, and what it has no price for.
pub(super) fn prices(config: &Config) -> Vec<Finding> {
    // One that is wrong is a fault of the configuration, and told there.
    let book = config.prices.file.as_ref().and_then(|path| {
        let book = PriceBook::parse(&std::fs::read_to_string(path).ok()?).ok()?;
        Some((path, book))
    });
    let Some((path, book)) = book else { return Vec::new() };
    let (path, newest) = (path.display(), book.newest_ms().or_else(|| changed_ms(path)));
    let days = newest.map_or(0, |newest| (now_ms() - newest).div_euclid(DAY_MS));
    let mut findings = vec![if days > OLD_DAYS {
        let message = format!("the newest price in {path} is {days} days old");
        Finding::not_ok("prices", Level::Warn, message, "Compare it with what the providers ask for now.")
    } else {
        Finding::ok("prices", path.to_string())
    }];
    let unpriced: Vec<String> = config.providers.iter().flat_map(|provider| unpriced(&book, provider)).collect();
    if !unpriced.is_empty() {
        let advice = "Add them to the price list: calls of them cost nothing, and budgets in money do not see them.";
        let message = format!("no price for {}", unpriced.join(", "));
        findings.push(Finding::not_ok("prices", Level::Warn, message, advice));
    }
    findings
}

fn unpriced(book: &PriceBook, provider: &ProviderConfig) -> Vec<String> {
    let has = |name: &str| book.estimate(name, &provider.name, 1, 1, now_ms()).is_some();
    let models = provider.models.iter().filter(|model| !has(model.price()));
    models.map(|model| format!("{}/{}", provider.name, model.name)).collect()
}

fn changed_ms(path: &Path) -> Option<i64> {
    let changed = path.metadata().ok()?.modified().ok()?;
    let since = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).ok()
}

/// A file that its owner alone should read; nothing when it is so, or there is none.
fn private(check: &'static str, path: &Path) -> Option<Finding> {
    let mode = path.metadata().ok()?.permissions().mode();
    let (level, who) = match (mode & 0o007, mode & 0o070) {
        (0, 0) => return None,
        (0, _) => (Level::Warn, "its group"),
        _ => (Level::Fail, "everyone on this machine"),
    };
    let message = format!("{} is open to {who} (mode {:03o})", path.display(), mode & 0o777);
    Some(Finding::not_ok(check, level, message, format!("chmod 600 {}", path.display())))
}

/// Does this machine's clock follow others?
pub(super) fn clock() -> Finding {
    // SAFETY: all fields are numbers, for which zero is a value; the call reads `modes`, which asks for no change, and
    // fills the rest.
    let (state, clock) = unsafe {
        let mut clock: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&mut clock), clock)
    };
    match state {
        -1 => Finding::ok("clock", "unknown on this system"),
        libc::TIME_ERROR => {
            let advice = "Run chrony or systemd-timesyncd: budgets, tokens' expiry and the audit log go by the clock.";
            Finding::not_ok("clock", Level::Warn, "is not synchronised with others", advice)
        }
        _ => Finding::ok("clock", format!("synchronised, to {} ms at worst", clock.maxerror / 1000)),
    }
}

#[cfg(test)]
#[path = "installation_tests.rs"]
mod tests;
