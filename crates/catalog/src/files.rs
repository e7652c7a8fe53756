//! Small things done to files: hashing, space, moving into place.
//!
//! It does not know what the files are.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;
use yizhan_domain::{Error, Result};

/// Size of the pieces in which files are read and written, in bytes.
pub(crate) const PIECE: usize = 256 << 10;

/// Bytes of a file; 0 when there is none.
pub(crate) fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// SHA-256 of a file in hexadecimal. `step` is told the bytes read so far and may end it.
pub(crate) fn sha256(path: &Path, mut step: impl FnMut(u64) -> Result<()>) -> Result<String> {
    let read_error = |error| Error::io(format!("reading {}", path.display()), error);
    let mut file = File::open(path).map_err(read_error)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; PIECE];
    let mut done = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                done += count as u64;
                step(done)?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(read_error(error)),
        }
    }
    let mut hexadecimal = String::with_capacity(64);
    for byte in hasher.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(hexadecimal, "{byte:02x}");
    }
    Ok(hexadecimal)
}

/// Makes a directory and those above it.
pub(crate) fn make_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| Error::io(format!("making the directory {}", path.display()), error))
}

/// Removes a file or a whole directory; it is no error when there is none.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io(format!("removing {}", path.display()), error))
        }
        _ => Ok(()),
    }
}

/// Moves a file in one step, after its bytes have reached the disk.
pub(crate) fn settle(from: &Path, to: &Path) -> Result<()> {
    let settle = || {
        File::open(from)?.sync_all()?;
        fs::rename(from, to)
    };
    settle().map_err(|error| Error::io(format!("moving {} to {}", from.display(), to.display()), error))
}

/// Bytes of every file below a directory.
pub(crate) fn tree_length(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let lengths = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => tree_length(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    lengths.sum()
}

/// Bytes that this user may still write on the disk of `directory`; none where the system doesn't say.
#[allow(clippy::unnecessary_cast, reason = "the fields are narrower on other systems")]
pub(crate) fn free_space(directory: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(directory.as_os_str().as_bytes()).ok()?;
    let mut answer = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` ends with a zero byte and `answer` has room for one statvfs.
    if unsafe { libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call succeeded and has filled it.
    let answer = unsafe { answer.assume_init() };
    (answer.f_bavail as u64).checked_mul(answer.f_frsize as u64)
}
