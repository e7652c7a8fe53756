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
        // Asked at run time: clones that share a target directory also share this binary.
        let here = std::env::current_dir().map_err(|error| format!("the working directory is gone: {error}"))?;
        let is_root = |folder: &&Path| folder.join("xtask/tidy.toml").is_file();
        let root = here.ancestors().find(is_root).ok_or("run it inside the repository")?.to_owned();
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
