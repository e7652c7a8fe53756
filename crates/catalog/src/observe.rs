//! What a pull tells its caller, and what the caller does for it.
//!
//! It does not know terminals or model formats.

use std::fmt;
use std::path::{Path, PathBuf};
use yizhan_domain::Result;

/// What a pull is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Another process pulls the same artefact; this one waits for it.
    Wait,
    /// Bytes come in; `done` and `total` count them.
    Download,
    /// Members of wheels are unpacked; `done` and `total` count bytes written.
    Unpack,
    /// Hashes are computed; `done` and `total` count bytes read.
    Verify,
    /// The file is brought into the format that is kept.
    Convert,
}

impl Stage {
    /// One word for people and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Stage::Wait => "wait",
            Stage::Download => "download",
            Stage::Unpack => "unpack",
            Stage::Verify => "verify",
            Stage::Convert => "convert",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a pull stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The artefact's name.
    pub artefact: &'a str,
    /// What is being done.
    pub stage: Stage,
    /// To what: the source, a file, or a step.
    pub item: &'a str,
    /// Bytes done in this stage.
    pub done: u64,
    /// Bytes to do in this stage, where known.
    pub total: Option<u64>,
}

/// Watches a pull, and may end it. Called often, from one thread: keep it cheap.
pub trait Observer {
    /// Where the pull stands now.
    fn progress(&self, progress: &Progress<'_>);

    /// Whether to stop. What was fetched so far is kept for the next pull.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Watches nothing and never stops a pull.
pub struct Silent;

impl Observer for Silent {
    fn progress(&self, _: &Progress<'_>) {}
}

/// Performs the conversions that the catalogue names.
pub trait Converter {
    /// Performs `step`: reads the fetched files, which lie in one directory under the catalogue's names and come in
    /// its order, and writes `output`.
    fn convert(&self, step: &str, inputs: &[PathBuf], output: &Path) -> Result<()>;
}

impl<F: Fn(&str, &[PathBuf], &Path) -> Result<()>> Converter for F {
    fn convert(&self, step: &str, inputs: &[PathBuf], output: &Path) -> Result<()> {
        self(step, inputs, output)
    }
}
