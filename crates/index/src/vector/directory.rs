//! The directory of a vector index: who holds it, which generation counts, and its errors.
//!
//! It does not know what the files hold, but for how a first one is made.

use super::log::{Log, Record};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use yizhan_domain::{Error, ErrorCode, Result};

/// The path of a file of a generation.
pub(crate) fn file(directory: &Path, name: &str, generation: u64) -> PathBuf {
    directory.join(format!("{name}-{generation}"))
}

/// Holds the directory for this process until the file is dropped; also `kill -9` lets it go.
pub(crate) fn lock(directory: &Path) -> Result<File> {
    let path = directory.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| failure(directory, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let place = directory.display();
            let message = format!("The vector index in {place} is open in another process; stop it or ask it.");
            Err(Error::new(ErrorCode::Conflict, message))
        }
        Err(TryLockError::Error(error)) => Err(failure(directory, error)),
    }
}

/// The generation that counts; the first is made in a directory that holds nothing foreign.
pub(crate) fn current(directory: &Path, dimensions: usize) -> Result<u64> {
    match fs::read_to_string(directory.join("current")) {
        Ok(text) => text.trim().parse().map_err(|_| rebuild(directory, "`current` names no generation")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_first(directory, dimensions),
        Err(error) => Err(failure(directory, error)),
    }
}

fn make_first(directory: &Path, dimensions: usize) -> Result<u64> {
    let failed = |error| failure(directory, error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !matches!(name.to_str(), Some("lock" | "log-1" | "rows-1" | "current.new")) {
            let why = format!("it holds {} and no `current`", name.display());
            return Err(rebuild(directory, &why));
        }
    }
    let make = || -> io::Result<()> {
        File::create(file(directory, "rows", 1))?.sync_all()?;
        let mut log = Log::create(&file(directory, "log", 1), dimensions as u32)?;
        log.append(&Record::Commit { sequence: 0, rows: 0 })?;
        log.sync()?;
        set_current(directory, 1)
    };
    make().map_err(failed)?;
    Ok(1)
}

/// Makes a generation the one that counts, at once or not at all.
pub(crate) fn set_current(directory: &Path, generation: u64) -> io::Result<()> {
    let temporary = directory.join("current.new");
    let mut file = File::create(&temporary)?;
    writeln!(file, "{generation}")?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join("current"))?;
    sync_directory(directory)
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes files of generations that do not count; one that stays is in nobody's way.
pub(crate) fn remove_others(directory: &Path, generation: u64) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some((kind, number)) = name.to_str().and_then(|name| name.split_once('-')) else { continue };
        if matches!(kind, "log" | "rows" | "codes") && number != generation.to_string() {
            let removed = fs::remove_file(entry.path());
            removed.unwrap_or_else(|error| tracing::warn!(%error, "an old file of a vector index stays"));
        }
    }
}

/// What is there cannot be used, and need not be: it is derived.
pub(crate) fn rebuild(directory: &Path, why: &str) -> Error {
    let place = directory.display();
    let advice = "Remove the directory: it is rebuilt from the store.";
    Error::new(ErrorCode::InvalidConfig, format!("The vector index in {place} cannot be used: {why}. {advice}"))
}

/// The disk failed.
pub(crate) fn failure(directory: &Path, error: io::Error) -> Error {
    Error::io(format!("The vector index in {} failed", directory.display()), error)
}
