//! The key that makes the chain unforgeable, and the file that it is kept in.
//!
//! It does not know records. Whoever can read the key file can forge the log: keep it where only
//! the server's user reads, best not beside the log.

use crate::hash::Hash;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use yizhan_domain::{Error, ErrorCode, Result};

const TITLE: &str = "yizhan-audit-key-1";
/// Written once the log has its first segment. From then on an empty folder is a loss, not a beginning.
const BEGUN: &str = "begun";

/// The secret of one log.
#[derive(Clone)]
pub struct Key {
    pub(crate) link: Mac,
    pub(crate) head: Mac,
    pub(crate) marker: Mac,
    pub(crate) payload: Mac,
    pub(crate) begun: bool,
    path: PathBuf,
}

impl Key {
    /// Reads a key file. `NotFound` when there is none, `InvalidConfig` when it is another kind of file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| match cause.kind() {
            ErrorKind::NotFound => Error::new(
                ErrorCode::NotFound,
                format!("There is no audit key at {}. Name the file that the log was begun with.", path.display()),
            ),
            _ => Error::io(format!("Reading the audit key {}", path.display()), cause),
        })?;
        let mut lines = text.lines();
        let title = lines.next();
        let secret = lines.next().and_then(|line| Hash::from_hex(line.as_bytes()));
        match (title, secret) {
            (Some(TITLE), Some(secret)) => Ok(Self::new(secret.0, path, lines.next() == Some(BEGUN))),
            _ => Err(Error::new(ErrorCode::InvalidConfig, format!("{} is not an audit key.", path.display()))),
        }
    }

    /// Makes a key file that only its owner reads. Fails when there is one.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|cause| Error::io("Asking the system for random bytes", cause))?;
        let write = || -> std::io::Result<()> {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            folder.map_or(Ok(()), std::fs::create_dir_all)?;
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(path)?;
            file.write_all(format!("{TITLE}\n{}\n", Hash(secret)).as_bytes())?;
            file.sync_all()?;
            folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        write().map_err(|cause| Error::io(format!("Making the audit key {}", path.display()), cause))?;
        Ok(Self::new(secret, path, false))
    }

    /// Remembers in the key file that the log has begun.
    pub(crate) fn mark_begun(&mut self) -> Result<()> {
        if self.begun {
            return Ok(());
        }
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().append(true).open(&self.path)?;
            file.write_all(format!("{BEGUN}\n").as_bytes())?;
            file.sync_all()
        };
        write().map_err(|cause| Error::io(format!("Writing the audit key {}", self.path.display()), cause))?;
        self.begun = true;
        Ok(())
    }

    fn new(secret: [u8; 32], path: &Path, begun: bool) -> Self {
        let root = Mac::new(&secret);
        // One key for each use, so that no line can be passed off as another kind of thing.
        let derive = |use_: &str| Mac::new(&root.of(&[b"yizhan audit 1 ", use_.as_bytes()]).0);
        let (link, head, marker, payload) = (derive("link"), derive("head"), derive("marker"), derive("payload"));
        Self { link, head, marker, payload, begun, path: path.to_owned() }
    }

    /// What stands before the first line.
    pub(crate) fn genesis(&self) -> Hash {
        self.link.of(&[b"genesis"])
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.path.display())
    }
}

/// HMAC-SHA-256 under one key.
#[derive(Clone)]
pub(crate) struct Mac(Hmac<Sha256>);

impl Mac {
    fn new(key: &[u8; 32]) -> Self {
        // A key shorter than the hash's block is filled up with zeros: that is HMAC's definition.
        let mut block = [0; 64];
        block[..32].copy_from_slice(key);
        Self(Hmac::new(&block.into()))
    }

    pub(crate) fn of(&self, parts: &[&[u8]]) -> Hash {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        Hash(mac.finalize().into_bytes().into())
    }
}
