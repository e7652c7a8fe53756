//! Files that only their owner reads, whole or not at all.
//!
//! It does not know what is in them.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Makes a file; fails when there is one. What it holds is on the disk when this returns.
pub(crate) fn create(path: &Path, text: &str) -> io::Result<()> {
    std::fs::create_dir_all(folder(path))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync(path)
}

/// Puts a file in the place of another.
pub(crate) fn replace(new: &Path, path: &Path) -> io::Result<()> {
    std::fs::rename(new, path)?;
    sync(path)
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
