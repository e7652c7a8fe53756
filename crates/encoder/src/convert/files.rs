//! Files by name, from a directory or from a zip that holds one directory of them at any depth.

use crate::gguf::damaged;
use std::io::Read;
use std::path::{Path, PathBuf};
use yizhan_domain::{Error, Result};

/// The file that marks the directory.
const MARK: &str = "config.json";
/// More than any model of this kind; a zip that claims more is damaged.
const LARGEST: u64 = 1 << 34;

pub(super) enum Files {
    Directory(PathBuf),
    Zip { archive: zip::ZipArchive<std::fs::File>, prefix: String },
}

impl Files {
    pub(super) fn open(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Ok(Self::Directory(path.to_owned()));
        }
        let failed = |cause| Error::io(format!("Opening {}", path.display()), cause);
        let file = std::fs::File::open(path).map_err(failed)?;
        let archive = zip::ZipArchive::new(file).map_err(|cause| damaged(format!("the source is no zip: {cause}")))?;
        let names: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
        let prefixes = names.iter().filter_map(|name| name.strip_suffix(MARK));
        let prefixes = prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('/'));
        // The pooling configuration has the same name, one directory deeper.
        let prefix = prefixes.min_by_key(|prefix| prefix.matches('/').count());
        let prefix = prefix.ok_or_else(|| damaged(format!("the source holds no {MARK}")))?.to_owned();
        Ok(Self::Zip { archive, prefix })
    }

    /// A file's bytes; none if there is no such file.
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Directory(directory) => match std::fs::read(directory.join(name)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(cause) => Err(Error::io(format!("Reading {name}"), cause)),
            },
            Self::Zip { archive, prefix } => {
                let entry = match archive.by_name(&format!("{prefix}{name}")) {
                    Ok(entry) => entry,
                    Err(zip::result::ZipError::FileNotFound) => return Ok(None),
                    Err(cause) => return Err(damaged(format!("the source's {name} cannot be read: {cause}"))),
                };
                let mut bytes = Vec::new();
                let read = entry.take(LARGEST).read_to_end(&mut bytes);
                read.map_err(|cause| Error::io(format!("Reading {name}"), cause))?;
                Ok(Some(bytes))
            }
        }
    }

    pub(super) fn require(&mut self, name: &str) -> Result<Vec<u8>> {
        self.read(name)?.ok_or_else(|| damaged(format!("the source holds no {name}")))
    }
}
