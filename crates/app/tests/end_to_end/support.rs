//! Data folders, child processes and a plain HTTP client.
//!
//! Every child is the leader of a process group of its own, so that its workers end with it.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

/// The embedding model of the tests.
pub(crate) const EMBEDDING: &str = "multilingual-e5-small";
/// The chat model of the tests: the smallest one.
pub(crate) const CHAT: &str = "smollm2-135m-instruct";
/// The first key of every server here.
pub(crate) const KEY: &str = "yz-a-key-for-tests";
/// Far longer than anything here takes; only a fault waits for so long.
const PATIENCE: Duration = Duration::from_secs(60);

#[allow(clippy::disallowed_methods, reason = "these are tests, and this is their configuration")]
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

/// The folder of models.
pub(crate) fn cache() -> PathBuf {
    variable("YIZHAN_CACHE").unwrap_or_else(|| {
        let folder = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
        folder.unwrap_or_else(|| variable("HOME").unwrap_or_default().join(".cache")).join("yizhan")
    })
}

/// Fails with what to do when a model is not there.
pub(crate) fn need(name: &str) {
    let installed = ["models", "lib"].iter().any(|kind| cache().join(kind).join(name).is_dir());
    assert!(installed, "the model '{name}' is not in {}: run `make test`, which pulls it", cache().display());
}

/// A file of the project's own samples.
pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/samples").join(name)
}

/// A data folder and a folder of documents, removed at the end.
pub(crate) struct House {
    folder: TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("yizhan-test-").tempdir().unwrap() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of documents.
    pub(crate) fn documents(&self) -> PathBuf {
        self.folder.path().join("documents")
    }

    /// Writes a document.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.documents().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Writes an application. Returns the folder of applications.
    pub(crate) fn app(&self, name: &str, yaml: &str) -> PathBuf {
        let apps = self.data().join("apps");
        std::fs::create_dir_all(apps.join(name)).unwrap();
        std::fs::write(apps.join(name).join("app.yaml"), yaml).unwrap();
        apps
    }

    /// The program with these arguments, and the data folder in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(arguments);
        command.env("YIZHAN_DATA", self.data());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments))
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?} failed: {}", ran.stderr);
        ran
    }

    /// Ingests all documents into a base; the exit status is the caller's to judge.
    pub(crate) fn ingest(&self, base: &str) -> Ran {
        self.run(&["ingest", self.documents().to_str().unwrap(), "--base", base, "--json"])
    }

    /// Makes a base of full text only.
    pub(crate) fn text_base(&self, name: &str) {
        self.ok(&["base", "create", name, "--embedding", "none"]);
    }

    /// What `base show` says.
    pub(crate) fn base(&self, name: &str) -> Value {
        self.ok(&["base", "show", name, "--json"]).json()
    }

    /// What `search` finds.
    pub(crate) fn search(&self, base: &str, query: &str, more: &[&str]) -> Vec<Value> {
        let ran = self.ok(&[&["search", query, "--base", base, "--json"], more].concat());
        ran.json().as_array().unwrap().clone()
    }

    /// Starts a server on a free port and waits until it is ready.
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&cache())
    }

    /// The same with another folder of models.
    pub(crate) fn serve_with(&self, cache: &Path) -> Server {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("YIZHAN_BOOTSTRAP_KEY", KEY).env("YIZHAN_CACHE", cache);
        let mut running = Running::start(command);
        let ready = running.line().unwrap_or_else(|| panic!("the server ended at its start: {}", running.errors()));
        let url = ready.strip_prefix("ready ").unwrap_or_else(|| panic!("not the ready line: {ready}")).to_owned();
        Server { url, running }
    }
}

/// The program with these arguments and nothing of the surrounding configuration but the models.
pub(crate) fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yizhan"));
    for name in [
        "DATA",
        "CONFIG",
        "CHAT_MODEL",
        "THREADS",
        "LOG",
        "LOG_FORMAT",
        "LISTEN",
        "APPS",
        "BOOTSTRAP_KEY",
        "SECRET_KEY",
        "TLS_CERT",
        "TLS_KEY",
    ] {
        command.env_remove(format!("YIZHAN_{name}"));
    }
    command.args(arguments).env("YIZHAN_CACHE", cache()).stdin(Stdio::null()).process_group(0);
    command
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(mut command: Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in: {}{}", self.stdout, self.stderr))
    }

    /// Standard output as one JSON value a line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The failure's sentence, which names all of `words`.
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "'{word}' is missing in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}

/// A command that runs. Killed with its workers when dropped.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    errors: tempfile::NamedTempFile,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let errors = tempfile::NamedTempFile::new().unwrap();
        command.stdout(Stdio::piped()).stderr(errors.reopen().unwrap());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, lines, errors }
    }

    /// The next line of standard output; `None` when there will be none.
    pub(crate) fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("no line for {PATIENCE:?}: {}", self.errors()),
        }
    }

    /// The next line if it comes within that time: `Err(true)` when it did not, `Err(false)`
    /// when there will be none.
    pub(crate) fn line_within(&self, time: Duration) -> Result<String, bool> {
        self.lines.recv_timeout(time).map_err(|error| error == mpsc::RecvTimeoutError::Timeout)
    }

    /// What it wrote to standard error.
    pub(crate) fn errors(&self) -> String {
        std::fs::read_to_string(self.errors.path()).unwrap_or_default()
    }

    /// The environment of each of its workers.
    pub(crate) fn environments(&self) -> Vec<String> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let children = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")).unwrap());
        let children: Vec<String> =
            children.flat_map(|ids| ids.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
        let environment = |id: &String| std::fs::read_to_string(format!("/proc/{id}/environ")).ok();
        children.iter().filter_map(environment).collect()
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        // SAFETY: a signal to a child that is not yet waited for, so that its number is still its own.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
    }

    /// Kills it and its workers at once. Returns the lines that were still in the pipe.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.end_group();
        std::iter::from_fn(|| self.line()).collect()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        // Its standard output is closed when it and its workers have ended.
        while self.line().is_some() {}
        self.child.wait().unwrap()
    }

    fn end_group(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // SAFETY: the group of a child that is not yet waited for, so that its number is still its own.
            unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
            let _ = self.child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end_group();
    }
}

/// A server that is ready.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) running: Running,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    /// The review that it names.
    pub(crate) review: Option<String>,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    /// A header's text; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in: {}", self.text))
    }
}

impl Server {
    pub(crate) fn get(&self, path: &str, key: Option<&str>) -> Answer {
        let mut request = agent().get(format!("{}{path}", self.url));
        if let Some(key) = key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        answer(request.call())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(KEY, path, body)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.put_as(KEY, path, body)
    }

    pub(crate) fn put_as(&self, key: &str, path: &str, body: &Value) -> Answer {
        let request = agent().put(format!("{}{path}", self.url)).header("Authorization", format!("Bearer {key}"));
        answer(request.send_json(body))
    }

    pub(crate) fn delete_as(&self, key: &str, path: &str) -> Answer {
        answer(agent().delete(format!("{}{path}", self.url)).header("Authorization", format!("Bearer {key}")).call())
    }

    pub(crate) fn post_as(&self, key: &str, path: &str, body: &Value) -> Answer {
        let request = agent().post(format!("{}{path}", self.url)).header("Authorization", format!("Bearer {key}"));
        answer(request.send_json(body))
    }

    /// The same with the header that names a review.
    pub(crate) fn post_by_review(&self, key: &str, path: &str, body: &Value, review: &str) -> Answer {
        let request = agent().post(format!("{}{path}", self.url)).header("Authorization", format!("Bearer {key}"));
        answer(request.header("x-yizhan-review", review).send_json(body))
    }

    pub(crate) fn patch_as(&self, key: &str, path: &str, body: &Value) -> Answer {
        let request = agent().patch(format!("{}{path}", self.url)).header("Authorization", format!("Bearer {key}"));
        answer(request.send_json(body))
    }

    /// Asks again and again until it is so; only a fault makes it wait for long.
    pub(crate) fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let begin = std::time::Instant::now();
        while !is_so(self) {
            assert!(begin.elapsed() < PATIENCE, "it never was: {}", self.running.errors());
            std::thread::yield_now();
        }
    }

    /// The chunks of a streamed reply, without the closing `[DONE]`, which must be there.
    pub(crate) fn stream(&self, path: &str, body: &Value) -> Vec<Value> {
        let answer = self.post(path, body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut events: Vec<&str> = answer.text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert_eq!(events.pop(), Some("[DONE]"));
        events.into_iter().map(|event| serde_json::from_str(event).unwrap()).collect()
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().proxy(None).http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into()
}

fn answer(reply: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut reply = reply.unwrap();
    let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
    let review = headers.get("x-yizhan-review").map(|id| id.to_str().unwrap().to_owned());
    Answer { status, headers, text: reply.body_mut().read_to_string().unwrap(), review }
}
