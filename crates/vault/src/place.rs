//! Where the master key is kept.
//!
//! It does not know secrets. A change of the key goes by a second file beside the first, `FILE.new`, so that a crash
//! at any moment leaves the key that fits the store in one of the two.

use crate::MasterKey;
use crate::file;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use yizhan_domain::{Error, ErrorCode, Result};
use zeroize::Zeroizing;

/// A place for the master key.
#[derive(Clone)]
pub struct KeyPlace {
    /// The key itself, where it was handed over.
    given: Option<Zeroizing<String>>,
    path: PathBuf,
}

impl KeyPlace {
    /// In this file, which is made when the first secret is set.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { given: None, path: path.into() }
    }

    /// Handed over in this environment variable, which is named in errors alone: 64 hexadecimal digits.
    pub fn given(variable: &str, key: impl Into<String>) -> Self {
        Self { given: Some(Zeroizing::new(key.into())), path: PathBuf::from(format!("the variable {variable}")) }
    }

    /// In a file?
    pub fn path(&self) -> Option<&Path> {
        self.given.is_none().then_some(&self.path)
    }

    /// The key; none when its file is not there.
    pub fn load(&self) -> Result<Option<MasterKey>> {
        match &self.given {
            Some(text) => MasterKey::parse(text).map(Some).ok_or_else(|| self.no_key()),
            None => self.read(&self.path),
        }
    }

    /// The key that a change which was cut short left beside.
    pub(crate) fn pending(&self) -> Result<Option<MasterKey>> {
        if self.given.is_some() { Ok(None) } else { self.read(&self.beside()) }
    }

    fn read(&self, path: &Path) -> Result<Option<MasterKey>> {
        match std::fs::read_to_string(path).map(Zeroizing::new) {
            Ok(text) => MasterKey::parse(&text).map(Some).ok_or_else(|| self.no_key()),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) if cause.kind() == ErrorKind::InvalidData => Err(self.no_key()),
            Err(cause) => Err(Error::io(format!("The master key cannot be read from {}", path.display()), cause)),
        }
    }

    /// Makes the first key.
    pub(crate) fn create(&self) -> Result<MasterKey> {
        let key = MasterKey::random()?;
        self.write(&self.path, &key)?;
        Ok(key)
    }

    /// Makes the next key, beside the one that counts still. `InvalidRequest` when the key is not in a file of ours.
    pub(crate) fn begin(&self) -> Result<MasterKey> {
        if self.given.is_some() {
            let message = format!(
                "The master key comes from {}, which this program cannot change. `yizhan secret rekey --to FILE` \
                 seals everything with the key in FILE; put that key there afterwards.",
                self.path.display()
            );
            return Err(Error::new(ErrorCode::InvalidRequest, message));
        }
        let (key, beside) = (MasterKey::random()?, self.beside());
        match std::fs::remove_file(&beside) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                return Err(Error::io(format!("{} cannot be removed", beside.display()), cause));
            }
            _ => self.write(&beside, &key)?,
        }
        Ok(key)
    }

    /// Lets the next key count.
    pub(crate) fn settle(&self) -> Result<()> {
        let replaced = file::replace(&self.beside(), &self.path);
        replaced.map_err(|cause| {
            let what = format!("{} cannot be put in the place of {}", self.beside().display(), self.path.display());
            Error::io(what, cause)
        })
    }

    fn write(&self, path: &Path, key: &MasterKey) -> Result<()> {
        file::create(path, &key.text()).map_err(|cause| {
            let how = "Make its folder writable, or name another file with `[secrets] key`";
            Error::io(format!("The master key {} cannot be made. {how}", path.display()), cause)
        })
    }

    fn beside(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        name.into()
    }

    fn no_key(&self) -> Error {
        let how = "A key is 64 hexadecimal digits, alone or after the title that this program writes.";
        Error::new(ErrorCode::InvalidConfig, format!("There is no master key in {self}. {how}"))
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl fmt::Debug for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPlace({self})")
    }
}
