//! The data folder: where it is, who holds it, and how to reach the server that does.
//!
//! It does not know what is kept in it.

use crate::cli::Global;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_process::Program;

/// How the command line reaches the server that holds a data folder. Kept in a file that only
/// the owner can read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ServerAddress {
    pub(crate) url: String,
    /// Where others reach it, when that is another address.
    #[serde(default)]
    pub(crate) public: Option<String>,
    pub(crate) key: String,
    pub(crate) process: u32,
}

impl ServerAddress {
    /// What people are told.
    pub(crate) fn shown(&self) -> &str {
        self.public.as_ref().unwrap_or(&self.url)
    }
}

/// The data folder, held by this process alone until dropped.
pub(crate) struct DataLock {
    _file: File,
}

/// Who has the data folder.
pub(crate) enum Holder {
    /// This process, from now on.
    Us(DataLock),
    /// A server that can be asked.
    Server(ServerAddress),
}

const LOCK: &str = "lock";
const SERVER: &str = "server.json";

/// The data folder that the flags or the user's environment name.
pub(crate) fn data_folder(global: &Global) -> PathBuf {
    global.data.clone().unwrap_or_else(|| user_folder("XDG_DATA_HOME", ".local/share").join("yizhan"))
}

/// The folder of models.
pub(crate) fn cache_folder(global: &Global) -> PathBuf {
    global.cache.clone().unwrap_or_else(|| user_folder("XDG_CACHE_HOME", ".cache").join("yizhan"))
}

#[allow(clippy::disallowed_methods, reason = "this is the configuration: the one place where the environment is read")]
fn user_folder(variable: &str, fallback: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named.unwrap_or_else(|| std::env::var_os("HOME").map(PathBuf::from).unwrap_or_else(|| ".".into()).join(fallback))
}

/// Takes the data folder, or finds the server that has it.
pub(crate) fn hold(folder: &Path) -> Result<Holder> {
    std::fs::create_dir_all(folder)
        .map_err(|cause| Error::io(format!("The data folder {} cannot be made", folder.display()), cause))?;
    let path = folder.join(LOCK);
    let failed = |cause| Error::io(format!("{} cannot be opened", path.display()), cause);
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            // Left by a server that was killed.
            let _ = std::fs::remove_file(folder.join(SERVER));
            let _ = file.set_len(0);
            let _ = write!(file, "{}", std::process::id());
            Ok(Holder::Us(DataLock { _file: file }))
        }
        Err(TryLockError::WouldBlock) => match server(folder) {
            Some(address) => Ok(Holder::Server(address)),
            None => Err(busy(folder, &path)),
        },
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

fn busy(folder: &Path, lock: &Path) -> Error {
    let process = std::fs::read_to_string(lock).unwrap_or_default();
    let message = format!(
        "Another yizhan process ({}) is working on {}: wait for it, or name another folder with --data.",
        process.trim(),
        folder.display()
    );
    Error::new(ErrorCode::Conflict, message)
}

/// The server that says it holds the folder.
pub(crate) fn server(folder: &Path) -> Option<ServerAddress> {
    let text = std::fs::read_to_string(folder.join(SERVER)).ok()?;
    serde_json::from_str(&text).ok()
}

/// Says how this server can be reached; removed when dropped.
pub(crate) struct Announced(PathBuf);

/// Writes the announcement, readable by the owner alone.
pub(crate) fn announce(folder: &Path, address: &ServerAddress) -> Result<Announced> {
    let path = folder.join(SERVER);
    let beside = folder.join("server.json.new");
    let write = || -> std::io::Result<()> {
        let _ = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(address)?)?;
        std::fs::rename(&beside, &path)
    };
    write().map_err(|cause| Error::io(format!("{} cannot be written", path.display()), cause))?;
    Ok(Announced(path))
}

impl Drop for Announced {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A variable of the environment that the configuration names.
#[allow(clippy::disallowed_methods, reason = "this is the configuration: the one place where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What a worker may know of the environment. Not the keys that may be in it.
const FOR_WORKERS: [&str; 9] =
    ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "RUST_BACKTRACE", "XDG_RUNTIME_DIR"];

/// This binary, as the workers are started from it.
pub(crate) fn worker_program() -> Result<Program> {
    let program = Program::current().map_err(|cause| Error::io("This program's own file cannot be found", cause))?;
    let known = FOR_WORKERS.into_iter().filter_map(|name| Some((name, variable(name)?)));
    Ok(known.fold(program.bare(), |program, (name, value)| program.with_env(name, value)))
}
