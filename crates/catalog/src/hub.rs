//! Files from a model hub over HTTP, resumed by byte ranges.
//!
//! It does not judge content beyond its length: hashes are checked by whoever called.

use crate::files::{PIECE, length, remove};
use crate::pull::{Job, failed};
use crate::{FileSpec, Options, Origin, Source, Stage};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use ureq::Body;
use ureq::http::{Response, StatusCode, header};
use yizhan_domain::{Error, ErrorCode, Result};

const HUGGING_FACE: &str = "https://huggingface.co";
const MODELSCOPE: &str = "https://modelscope.cn";

/// A connection to hubs.
pub(crate) struct Hub {
    agent: ureq::Agent,
}

/// Where one file is and what is known of it.
struct Wanted<'a> {
    address: &'a str,
    file: &'a FileSpec,
    part: &'a Path,
    /// Bytes of the files before it, and of all.
    before: u64,
    total: Option<u64>,
}

impl Hub {
    pub(crate) fn new(options: &Options) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_resolve(Some(options.connect_timeout))
            .timeout_connect(Some(options.connect_timeout))
            .timeout_recv_response(Some(options.stall_timeout))
            .timeout_per_read(Some(options.stall_timeout))
            .http_status_as_error(false)
            .user_agent(concat!("yizhan/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into() }
    }

    /// Fetches each file and hands it over as ready.
    pub(crate) fn fetch(&self, job: &Job, source: &Source, files: &[&FileSpec], ready: &Path) -> Result<()> {
        let parts = job.directory("parts")?;
        let total = files.iter().map(|file| file.size).sum();
        let mut before = 0;
        for file in files {
            let address = address(source, &file.name, job.options)
                .ok_or_else(|| failed(format!("has no address for {}", file.name)))?;
            let part = parts.join(&file.name);
            self.fetch_file(job, &Wanted { address: &address, file, part: &part, before, total })?;
            before += length(&part);
            job.accept(file, &part, ready)?;
        }
        Ok(())
    }

    /// A connection that breaks within the file is taken up again as long as each try brings the file further.
    fn fetch_file(&self, job: &Job, wanted: &Wanted) -> Result<()> {
        let mut have = length(wanted.part);
        loop {
            match self.attempt(job, wanted) {
                Err(error) if error.code() == ErrorCode::ModelUnavailable && length(wanted.part) > have => {
                    have = length(wanted.part);
                    tracing::debug!(address = wanted.address, have, %error, "taking up again");
                }
                done => return done,
            }
        }
    }

    fn attempt(&self, job: &Job, wanted: &Wanted) -> Result<()> {
        let mut have = length(wanted.part);
        if wanted.file.size.is_some_and(|size| have > size) {
            remove(wanted.part)?;
            have = 0;
        }
        if wanted.file.size == Some(have) {
            return Ok(());
        }
        job.tick(Stage::Download, &wanted.file.name, wanted.before + have, wanted.total)?;
        let mut request = self.agent.get(wanted.address);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let response = request.call().map_err(|error| failed(error.to_string()))?;
        match response.status() {
            StatusCode::OK => self.receive(job, wanted, response, 0),
            StatusCode::PARTIAL_CONTENT if continues_at(&response, have) => self.receive(job, wanted, response, have),
            // What is here is not the beginning of what is there.
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT if have > 0 => {
                remove(wanted.part)?;
                self.attempt(job, wanted)
            }
            status => Err(failed(format!("HTTP {status} for {}", wanted.address))),
        }
    }

    fn receive(&self, job: &Job, wanted: &Wanted, response: Response<Body>, start: u64) -> Result<()> {
        let announced = response.body().content_length().map(|length| start.saturating_add(length));
        if let (Some(size), Some(announced)) = (wanted.file.size, announced)
            && size != announced
        {
            return Err(failed(format!("announces {announced} bytes instead of {size} for {}", wanted.address)));
        }
        let end = wanted.file.size.or(announced);
        job.require_space(end.unwrap_or(0))?;
        let write_error = |error| Error::io(format!("writing {}", wanted.part.display()), error);
        let mut options = File::options();
        let options = if start > 0 { options.append(true) } else { options.create(true).write(true).truncate(true) };
        let mut part = options.open(wanted.part).map_err(write_error)?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; PIECE];
        let mut have = start;
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(format!("broke off after {have} bytes: {error}"))),
            };
            have += count as u64;
            if let Some(end) = end.filter(|end| have > *end) {
                drop(part);
                remove(wanted.part)?;
                return Err(failed(format!("sends more than {end} bytes")));
            }
            part.write_all(&buffer[..count]).map_err(write_error)?;
            job.tick(Stage::Download, &wanted.file.name, wanted.before + have, wanted.total)?;
        }
        match end {
            Some(end) if have < end => Err(failed(format!("ended after {have} of {end} bytes"))),
            _ => Ok(()),
        }
    }
}

/// Whether a partial answer is the rest from `have` on: `Content-Range: bytes HAVE-…`.
fn continues_at(response: &Response<Body>, have: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let start = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse::<u64>().ok());
    start == Some(have)
}

/// Where a hub has a file of the artefact.
fn address(source: &Source, name: &str, options: &Options) -> Option<String> {
    let path = source.files.get(name)?.first()?;
    let revision = source.revision.as_deref();
    let trim = |base: &str| base.trim_end_matches('/').to_owned();
    match &source.origin {
        Origin::HuggingFace(repository) => {
            let (base, revision) = (trim(options.hub.as_deref().unwrap_or(HUGGING_FACE)), revision.unwrap_or("main"));
            Some(format!("{base}/{repository}/resolve/{revision}/{path}"))
        }
        Origin::ModelScope(repository) => {
            let (base, revision) =
                (trim(options.modelscope.as_deref().unwrap_or(MODELSCOPE)), revision.unwrap_or("master"));
            Some(format!("{base}/models/{repository}/resolve/{revision}/{path}"))
        }
        Origin::Url(base) => Some(format!("{}/{path}", trim(base))),
        Origin::Wheels(_) => None,
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
