//! Files' bytes in a directory, each under its hash.
//!
//! It does not know what they are. A content is `blobs/ab/cdef…`, named by its SHA-256. It is
//! written under another name in `blobs/tmp`, synced and renamed, so that what stands under a hash is
//! whole.

use crate::fault::Fault;
use crate::threads::Threads;
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_store::{BlobStore, ContentHash};

/// A temporary file this old was left by a process that died. A younger one may be another
/// process's that is at work.
const ORPHAN_AGE: Duration = Duration::from_secs(3600);

/// Threads that read, write and hash.
const THREADS: usize = 2;

/// Contents in `blobs` of a data directory. Clones share the threads.
#[derive(Clone)]
pub struct FileBlobs {
    threads: Arc<Threads<PathBuf>>,
}

impl FileBlobs {
    /// Opens the directory `blobs` of a data directory, makes it where it is not there, and removes
    /// what writes that were cut short have left. Blocks.
    pub fn open(data_dir: &Path) -> Result<Self> {
        let root = data_dir.join("blobs");
        let temporary = root.join("tmp");
        fs::create_dir_all(&temporary)
            .and_then(|()| remove_orphans(&temporary))
            .map_err(|cause| Error::io(format!("Opening {}", root.display()), cause))?;
        Ok(Self { threads: Arc::new(Threads::start("blobs", vec![root; THREADS])?) })
    }
}

#[async_trait]
impl BlobStore for FileBlobs {
    async fn put(&self, bytes: Vec<u8>) -> Result<ContentHash> {
        let task = move |root: &mut PathBuf| put(root, &bytes).map_err(|cause| failed("Keeping a file's bytes", cause));
        self.threads.call(task).await
    }

    async fn get(&self, hash: &ContentHash) -> Result<Vec<u8>> {
        let hash = hash.clone();
        self.threads.call(move |root| Ok(get(root, &hash)?)).await
    }

    async fn remove(&self, hash: &ContentHash) -> Result<()> {
        let hash = hash.clone();
        self.threads
            .call(move |root| remove(root, &hash).map_err(|cause| failed("Removing a file's bytes", cause)))
            .await
    }
}

fn put(root: &Path, bytes: &[u8]) -> io::Result<ContentHash> {
    let hash = hash_of(bytes);
    let Some(path) = path_of(root, &hash) else { return Err(io::Error::other("a hash is not one")) };
    // Compared and not only looked for, so that putting a damaged content again repairs it.
    if fs::read(&path).is_ok_and(|kept| kept == bytes) {
        return Ok(hash);
    }
    let directory = path.parent().unwrap_or(root);
    if !directory.exists() {
        fs::create_dir_all(directory)?;
        sync_directory(root)?;
    }
    let temporary = root.join("tmp").join(unique_name());
    write_synced(&temporary, bytes).and_then(|()| fs::rename(&temporary, &path)).inspect_err(|_| {
        // The error that counts is the one that brought us here; an orphan goes at the next start.
        let _ = fs::remove_file(&temporary);
    })?;
    sync_directory(directory)?;
    Ok(hash)
}

fn get(root: &Path, hash: &ContentHash) -> Result<Vec<u8>> {
    let missing = || Error::not_found("content", hash);
    let path = path_of(root, hash).ok_or_else(missing)?;
    let bytes = fs::read(&path).map_err(|cause| match cause.kind() {
        ErrorKind::NotFound => missing(),
        _ => Error::io(format!("Reading {}", path.display()), cause),
    })?;
    if hash_of(&bytes) != *hash {
        let message = format!(
            "{} is damaged: its bytes do not have the hash that names it. Add the file again, or restore it from a \
             backup.",
            path.display()
        );
        return Err(Error::new(ErrorCode::Io, message));
    }
    Ok(bytes)
}

fn remove(root: &Path, hash: &ContentHash) -> io::Result<()> {
    let Some(path) = path_of(root, hash) else { return Ok(()) };
    match fs::remove_file(&path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Where a content stands; none for what is no hash, and might lead out of the directory.
fn path_of(root: &Path, hash: &ContentHash) -> Option<PathBuf> {
    let hash = hash.0.as_str();
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hash.then(|| root.join(&hash[..2]).join(&hash[2..]))
}

fn hash_of(bytes: &[u8]) -> ContentHash {
    ContentHash(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Of this process and this call alone.
fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A new or renamed entry is on the disk only when its directory is.
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn remove_orphans(temporary: &Path) -> io::Result<()> {
    let now = SystemTime::now();
    for entry in fs::read_dir(temporary)? {
        let entry = entry?;
        let age = entry.metadata()?.modified().ok().and_then(|modified| now.duration_since(modified).ok());
        if age.is_some_and(|age| age > ORPHAN_AGE) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn failed(what: &str, cause: io::Error) -> Fault {
    let advice = match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => " Free some space on the disk of the data directory.",
        ErrorKind::PermissionDenied => " Check that this user may write to the data directory.",
        _ => "",
    };
    Error::new(ErrorCode::Io, format!("{what} failed: {cause}.{advice}")).into()
}

#[cfg(test)]
#[path = "blob_tests.rs"]
mod tests;
