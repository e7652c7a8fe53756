//! The handle that everybody shares: which models have a place, and who goes when idle.
//!
//! It does not know frames or tokens.

use super::header::Header;
use super::home::Home;
use super::models::{LocalChat, LocalEmbed};
use crate::protocol::Settings;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime};
use yizhan_domain::{ModelName, Result};
use yizhan_model::{ChatModel, EmbedModel, RerankModel};
use yizhan_process::{Limits, Program};

/// How workers are run. The defaults suit a machine of a few cores.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that compute, per worker; 0: one per core for embedding, one core less for chat.
    pub threads: usize,
    /// Most conversations of one model that are computed at once.
    pub slots: u32,
    /// Most calls of one model that wait for a slot; more are `Overloaded`.
    pub queue: usize,
    /// Tokens that one model's cache holds, all conversations together. At least one full context is always held.
    pub cache_tokens: u32,
    /// A worker without calls for so long is ended, and its memory goes back.
    pub idle_timeout: Duration,
    /// What the operating system lets a worker use.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 0,
            slots: 8,
            queue: 256,
            cache_tokens: 16_384,
            idle_timeout: Duration::from_secs(15 * 60),
            limits: Limits::default(),
        }
    }
}

/// What an embedding model gets before its texts; `None`: what its file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbedPrefixes {
    /// Before a question.
    pub query: Option<String>,
    /// Before something to be found.
    pub passage: Option<String>,
}

/// A model whose worker runs.
#[derive(Clone, Debug)]
pub struct LoadedModel {
    /// Its name.
    pub name: String,
    /// `chat` or `embed`.
    pub kind: &'static str,
    /// Its file.
    pub path: PathBuf,
    /// The worker's process.
    pub pid: u32,
    /// Resident memory in bytes, mapped weights included; none where the system does not tell.
    pub memory_bytes: Option<u64>,
    /// When the worker was started.
    pub since: SystemTime,
    /// Calls that it took.
    pub calls: u64,
    /// Which CPU variant computes; none until the model is loaded.
    pub backend: Option<String>,
}

/// Runs local models. Clones share everything; when the last one and the last model are dropped, the workers end.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    program: Program,
    options: Options,
    homes: Mutex<Vec<Arc<Home>>>,
    /// Dropped with the rest, which ends the keeper.
    _keeper: mpsc::Sender<()>,
}

impl Runtime {
    /// `program` is started for each worker, as `PROGRAM worker chat|embed LIMITS`, and must call
    /// [`crate::worker_main`] then. Nothing is started yet.
    pub fn new(program: Program, options: Options) -> Self {
        let (keeper, ended) = mpsc::channel();
        let interval = (options.idle_timeout / 4).clamp(Duration::from_millis(50), Duration::from_secs(30));
        let inner = Arc::new(Inner { program, options, homes: Mutex::default(), _keeper: keeper });
        let weak = Arc::downgrade(&inner);
        let keep = move || {
            while ended.recv_timeout(interval) == Err(mpsc::RecvTimeoutError::Timeout) {
                let Some(inner) = weak.upgrade() else { return };
                inner.end_idle(Instant::now());
            }
        };
        if let Err(error) = std::thread::Builder::new().name("idle models".into()).spawn(keep) {
            tracing::warn!("idle models will not be unloaded: {error}");
        }
        Self { inner }
    }

    /// The chat model in a GGUF file. `context` is the most tokens of a conversation, answer included; 0 means as
    /// many as it was trained with. The file is opened at the first call.
    pub fn chat_model(&self, name: ModelName, path: &Path, context: u32) -> Arc<dyn ChatModel> {
        Arc::new(self.chat(name, path, context))
    }

    /// The same model as a judge of passages: its yes against its no. It shares the worker of
    /// [`Self::chat_model`] with equal arguments.
    pub fn reranker(&self, name: ModelName, path: &Path, context: u32) -> Arc<dyn RerankModel> {
        Arc::new(self.chat(name, path, context))
    }

    fn chat(&self, name: ModelName, path: &Path, context: u32) -> LocalChat {
        // Without a readable file the first call says what is wrong.
        let trained = Header::read(path).ok().and_then(|header| header.context).unwrap_or(0);
        let context = if context == 0 || trained == 0 { context.max(trained) } else { context.min(trained) };
        let home = self.inner.home("chat", name.as_str(), self.inner.settings(path, context));
        LocalChat { name, home }
    }

    /// The embedding model in a GGUF file of architecture `bert`. Only the file's header is read now.
    ///
    /// # Errors
    /// `ModelUnavailable` when the file is missing or no embedding model.
    pub fn embed_model(&self, name: ModelName, path: &Path, prefixes: EmbedPrefixes) -> Result<Arc<dyn EmbedModel>> {
        let header = Header::read(path)?;
        let (dimensions, max_tokens) = header.embedding(path)?;
        let mut settings = self.inner.settings(path, 0);
        (settings.query_prefix, settings.passage_prefix) = (prefixes.query, prefixes.passage);
        let home = self.inner.home("embed", name.as_str(), settings);
        Ok(Arc::new(LocalEmbed { name, home, dimensions, max_tokens }))
    }

    /// The models whose workers run now.
    pub fn loaded(&self) -> Vec<LoadedModel> {
        let homes = self.inner.homes();
        let running = homes.iter().filter_map(|home| Some((home, home.running()?)));
        running
            .map(|(home, link)| {
                let (since, calls) = link.history();
                LoadedModel {
                    name: home.name.clone(),
                    kind: home.kind,
                    path: home.settings.path.clone(),
                    pid: link.pid(),
                    memory_bytes: resident_bytes(link.pid()),
                    since,
                    calls,
                    backend: home.facts().map(|facts| facts.backend),
                }
            })
            .collect()
    }

    /// Ends every worker. Calls in flight fail; later ones start workers again.
    pub fn stop_all(&self) {
        let homes = self.inner.homes().clone();
        homes.iter().for_each(|home| home.stop());
    }

    /// Ends the workers that are idle at `now` for as long as [`Options::idle_timeout`] says. Happens by
    /// itself; for tests and for whoever needs the memory.
    pub fn end_idle(&self, now: Instant) {
        self.inner.end_idle(now);
    }
}

impl Inner {
    fn homes(&self) -> MutexGuard<'_, Vec<Arc<Home>>> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self, path: &Path, context: u32) -> Settings {
        Settings {
            path: path.to_owned(),
            threads: self.options.threads,
            context,
            cache: self.options.cache_tokens,
            slots: self.options.slots,
            queue: self.options.queue,
            query_prefix: None,
            passage_prefix: None,
        }
    }

    /// The place of a model; equal ones share it.
    fn home(&self, kind: &'static str, name: &str, settings: Settings) -> Arc<Home> {
        let mut homes = self.homes();
        let same = |home: &&Arc<Home>| home.kind == kind && home.name == name && home.settings == settings;
        if let Some(home) = homes.iter().find(same) {
            return Arc::clone(home);
        }
        let limits = self.options.limits;
        let home = Arc::new(Home::new(self.program.clone(), kind, name.to_owned(), limits, settings));
        homes.push(Arc::clone(&home));
        home
    }

    fn end_idle(&self, now: Instant) {
        let homes = self.homes().clone();
        homes.iter().for_each(|home| home.end_idle(now, self.options.idle_timeout));
    }
}

/// From Linux's `/proc/PID/statm`, whose second number counts resident pages.
fn resident_bytes(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: takes a constant, returns a number.
    let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    Some(pages * page)
}
