//! The repository's text files.
//!
//! It does not know what is checked in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every text file that git tracks, or would if it were added.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    /// Text by path from the root, with forward slashes.
    pub(crate) files: BTreeMap<String, String>,
}

impl Tree {
    pub(crate) fn read() -> Result<Self, String> {
        // The manifest's directory is right wherever the task is started from.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent directory")?.to_owned();
        let listing = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .current_dir(&root)
            .output()
            .map_err(|error| format!("git does not start: {error}"))?;
        if !listing.status.success() {
            return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listing.stderr).trim()));
        }
        let paths = String::from_utf8_lossy(&listing.stdout);
        let files = paths.split('\0').filter_map(|path| {
            // What is listed but deleted, or not text, is not checked.
            let text = String::from_utf8(std::fs::read(root.join(path)).ok()?).ok()?;
            (!text.contains('\0')).then(|| (path.to_owned(), text))
        });
        Ok(Self { files: files.collect(), root })
    }

    /// The file's text, or a sentence that it is missing.
    pub(crate) fn text(&self, path: &str) -> Result<&str, String> {
        self.files.get(path).map(String::as_str).ok_or_else(|| format!("{path} is missing"))
    }
}
