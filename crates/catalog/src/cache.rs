//! The directory where pulled artefacts are kept, shared by all data directories of a user.
//!
//! ```text
//! models/NAME/…   lib/NAME/…      installed, each with its manifest.json
//! partial/NAME/…                  what a pull has fetched so far
//! partial/NAME.lock               held by the process that pulls or removes NAME
//! ```
//!
//! It does not know what the files mean.

use crate::files::{length, make_directory, remove, sha256};
use crate::pull::Job;
use crate::{Artefact, Catalog, Converter, Kind, Manifest, Observer, Progress, Silent, Stage};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode, Result};

/// How a cache reaches its sources.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address of a mirror of Hugging Face (what others call `HF_ENDPOINT`); none for Hugging Face itself.
    pub hub: Option<String>,
    /// Address of a mirror of ModelScope; none for ModelScope itself.
    pub modelscope: Option<String>,
    /// The command that is pip, with its first arguments.
    pub pip: Vec<String>,
    /// How long a hub may take to answer at all.
    pub connect_timeout: Duration,
    /// How long a hub may pause within a file.
    pub stall_timeout: Duration,
    /// Whether entries may be pulled that have no hash in the catalogue.
    pub accept_unverified: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hub: None,
            modelscope: None,
            pip: ["python3", "-m", "pip"].map(str::to_owned).to_vec(),
            connect_timeout: Duration::from_secs(4),
            stall_timeout: Duration::from_secs(20),
            accept_unverified: false,
        }
    }
}

/// An artefact that lies complete in the cache.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    /// Its catalogue entry.
    pub artefact: Artefact,
    /// Where its files are.
    pub folder: PathBuf,
    /// What they are and where they came from.
    pub manifest: Manifest,
}

impl Installed {
    /// The path of the file of that name, which the catalogue lists or a conversion writes.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Every file's path.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.manifest.files.iter().map(|file| self.folder.join(&file.name)).collect()
    }

    /// Bytes on disk.
    pub fn size(&self) -> u64 {
        self.manifest.files.iter().map(|file| file.size).sum()
    }
}

/// The directory of pulled artefacts and the catalogue that it is filled from.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
    catalog: Catalog,
    options: Options,
}

impl Cache {
    /// A cache in `directory`, which is made when something is pulled.
    pub fn new(directory: impl Into<PathBuf>, catalog: Catalog, options: Options) -> Self {
        Self { directory: directory.into(), catalog, options }
    }

    /// What can be pulled.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Where the cache is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The artefact of that name if it is installed. Cheap: looks at the manifest and the files' sizes.
    pub fn find(&self, name: &str) -> Option<Installed> {
        let artefact = self.catalog.get(name)?;
        let folder = self.home_of(artefact);
        let manifest = Manifest::read(&folder)?;
        let whole = manifest.files.iter().all(|file| length(&folder.join(&file.name)) == file.size);
        (whole && manifest.is_of(artefact)).then(|| Installed { artefact: artefact.clone(), folder, manifest })
    }

    /// The artefact of that name, or an error that says how to get it.
    pub fn require(&self, name: &str) -> Result<Installed> {
        self.catalog.require(name)?;
        self.find(name).ok_or_else(|| {
            let message = format!("'{name}' is not on this machine. Get it with `yizhan model pull {name}`.");
            Error::new(ErrorCode::ModelUnavailable, message)
        })
    }

    /// Reads an installed artefact's files again and compares their hashes.
    pub fn verify(&self, name: &str) -> Result<Installed> {
        self.verify_watched(name, &Silent)
    }

    /// The same, with an observer.
    pub fn verify_watched(&self, name: &str, observer: &dyn Observer) -> Result<Installed> {
        let installed = self.require(name)?;
        for file in &installed.manifest.files {
            let hash = sha256(&installed.folder.join(&file.name), |done| {
                let total = Some(file.size);
                observer.progress(&Progress { artefact: name, stage: Stage::Verify, item: &file.name, done, total });
                if observer.cancelled() { Err(cancelled(name)) } else { Ok(()) }
            })?;
            if hash != file.sha256 {
                let message = format!(
                    "{} of '{name}' has changed since it was pulled (SHA-256 {hash}, expected {}). Remove it with `yizhan \
                     model rm {name}` and pull it again.",
                    file.name, file.sha256
                );
                return Err(Error::new(ErrorCode::ModelUnavailable, message));
            }
        }
        Ok(installed)
    }

    /// Makes the artefact of that name be installed: at once if it is, else from the first source that delivers it.
    ///
    /// A pull that was interrupted goes on where it stopped. Processes that pull the same name wait for each other.
    /// Errors: `model_not_found`, `model_unavailable` with every source and why it failed, `cancelled`, `io_error`.
    pub fn pull(&self, name: &str, observer: &dyn Observer, converter: &dyn Converter) -> Result<Installed> {
        let artefact = self.catalog.require(name)?;
        if let Some(installed) = self.find(name) {
            return Ok(installed);
        }
        let _lock = self.lock(artefact, observer)?;
        if let Some(installed) = self.find(name) {
            return Ok(installed);
        }
        let home = self.home_of(artefact);
        let job = Job::new(artefact, &self.options, observer, self.partial().join(name));
        let manifest = job.run(&home, converter)?;
        tracing::info!(name, source = manifest.source, "pulled");
        Ok(Installed { artefact: artefact.clone(), folder: home, manifest })
    }

    /// Removes the artefact of that name and what an interrupted pull left of it; false when there was nothing.
    pub fn remove(&self, name: &str) -> Result<bool> {
        let artefact = self.catalog.require(name)?;
        let (home, partial) = (self.home_of(artefact), self.partial().join(name));
        if !home.exists() && !partial.exists() {
            return Ok(false);
        }
        let _lock = self.lock(artefact, &Silent)?;
        remove(&home)?;
        remove(&partial)?;
        Ok(true)
    }

    fn partial(&self) -> PathBuf {
        self.directory.join("partial")
    }

    fn home_of(&self, artefact: &Artefact) -> PathBuf {
        let shelf = if artefact.kind == Kind::Library { "lib" } else { "models" };
        self.directory.join(shelf).join(&artefact.name)
    }

    /// The lock ends with the process, however it ends.
    fn lock(&self, artefact: &Artefact, observer: &dyn Observer) -> Result<File> {
        let partial = self.partial();
        make_directory(&partial)?;
        let path = partial.join(format!("{}.lock", artefact.name));
        let failed = |error| Error::io(format!("locking {}", path.display()), error);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if observer.cancelled() {
                return Err(cancelled(&artefact.name));
            }
            let (artefact, item) = (artefact.name.as_str(), "another process");
            observer.progress(&Progress { artefact, stage: Stage::Wait, item, done: 0, total: None });
            // flock has no form that waits and can be cancelled: look again now and then.
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }
}

pub(crate) fn cancelled(name: &str) -> Error {
    let message = format!("Pulling '{name}' was stopped. What was fetched is kept; pull it again to go on.");
    Error::new(ErrorCode::Cancelled, message)
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
