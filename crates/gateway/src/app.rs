//! Applications as folders of files: `apps/NAME/app.yaml`, checked at start, read again when
//! the file changes.
//!
//! It does not know whether the models and bases that an application names exist: that is
//! looked up when it is called, so that they may be made later.

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_knowledge::{Instructions, SearchMode};
use yizhan_model::Sampling;

/// One application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// What it is for, for people.
    #[serde(default)]
    pub description: String,
    /// The chat model that answers; the installation's default when none.
    #[serde(default)]
    pub model: Option<ModelName>,
    /// Role, task, constraints and examples.
    #[serde(default)]
    pub prompt: Instructions,
    /// Names of the knowledge bases that it searches; none: it answers without documents.
    #[serde(default)]
    pub knowledge: Vec<String>,
    /// How it searches.
    #[serde(default)]
    pub retrieval: Retrieval,
    /// How it samples, where the caller does not say.
    #[serde(default)]
    pub sampling: AppSampling,
}

/// Sampling that an application may set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppSampling {
    /// 0 is greedy.
    pub temperature: Option<f32>,
    /// Nucleus, 0–1.
    pub top_p: Option<f32>,
    /// Most tokens of an answer.
    pub max_tokens: Option<u32>,
}

impl AppSampling {
    /// Fills in what the caller left open.
    pub(crate) fn complete(&self, sampling: &mut Sampling) {
        sampling.temperature = sampling.temperature.or(self.temperature);
        sampling.top_p = sampling.top_p.or(self.top_p);
        sampling.max_tokens = sampling.max_tokens.or(self.max_tokens);
    }
}

/// How an application or base searches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retrieval {
    /// Which index answers.
    pub mode: SearchMode,
    /// How many passages are looked up.
    pub top: usize,
    /// How many sources the model is given; neighbouring passages make one source.
    pub sources: usize,
    /// Below this relevance the answer is that the documents have nothing; see
    /// [`yizhan_knowledge::Relevance::is_enough`], which knows one for E5 models.
    pub threshold: Option<f32>,
    /// Let the chat model reorder the passages.
    pub rerank: bool,
}

impl Default for Retrieval {
    fn default() -> Self {
        Self { mode: SearchMode::Hybrid, top: 8, sources: 3, threshold: None, rerank: false }
    }
}

/// All applications of a folder.
pub struct Apps {
    folder: Option<PathBuf>,
    loaded: RwLock<BTreeMap<String, Loaded>>,
    absent: RwLock<Absent>,
}

/// Names that were asked for and are no applications: most calls name a route, and need not ask the disk each time.
struct Absent {
    names: HashSet<String>,
    since: Instant,
}

/// So long a name stays absent; a new application is found after it at the latest.
const ABSENT_FOR: Duration = Duration::from_millis(500);
/// Callers choose the names.
const MOST_ABSENT: usize = 1000;

#[derive(Clone)]
struct Loaded {
    app: Arc<App>,
    modified: Option<SystemTime>,
}

const FILE: &str = "app.yaml";

impl Apps {
    fn of(folder: Option<PathBuf>) -> Self {
        let absent = Absent { names: HashSet::new(), since: Instant::now() };
        Self { folder, loaded: RwLock::default(), absent: RwLock::new(absent) }
    }

    /// No applications.
    pub fn none() -> Self {
        Self::of(None)
    }

    /// Reads and checks every application of a folder. The first wrong one is an error that
    /// names file, line and column.
    pub fn open(folder: &Path) -> Result<Self> {
        let apps = Self::of(Some(folder.to_owned()));
        for name in apps.folders()? {
            apps.get(&name)?;
        }
        Ok(apps)
    }

    /// The application of that name, as its file now is; one whose file is new is found half a second later at the
    /// latest. A file that became wrong is logged and the last good version kept; a wrong one without a good version is
    /// an error.
    pub fn get(&self, name: &str) -> Result<Option<Arc<App>>> {
        let Some(folder) = self.folder.as_ref().filter(|_| is_name(name)) else {
            return Ok(None);
        };
        if self.is_absent(name) {
            return Ok(None);
        }
        let path = folder.join(name).join(FILE);
        let Ok(metadata) = path.metadata() else {
            self.loaded.write().remove(name);
            self.note_absent(name);
            return Ok(None);
        };
        let modified = metadata.modified().ok();
        let known = self.loaded.read().get(name).cloned();
        if let Some(known) = &known
            && known.modified == modified
        {
            return Ok(Some(Arc::clone(&known.app)));
        }
        let app = match read(&path) {
            Ok(app) => Arc::new(app),
            Err(error) => match known {
                Some(known) => {
                    tracing::error!(%error, app = name, "the changed application is not used; its last good version stays");
                    known.app
                }
                None => return Err(error),
            },
        };
        self.loaded.write().insert(name.to_owned(), Loaded { app: Arc::clone(&app), modified });
        Ok(Some(app))
    }

    fn is_absent(&self, name: &str) -> bool {
        let absent = self.absent.read();
        absent.names.contains(name) && absent.since.elapsed() < ABSENT_FOR
    }

    fn note_absent(&self, name: &str) {
        let mut absent = self.absent.write();
        if absent.since.elapsed() >= ABSENT_FOR || absent.names.len() >= MOST_ABSENT {
            *absent = Absent { names: HashSet::new(), since: Instant::now() };
        }
        absent.names.insert(name.to_owned());
    }

    /// Names of the applications that are there now, in order.
    pub fn names(&self) -> Vec<String> {
        self.folders().unwrap_or_default()
    }

    fn folders(&self) -> Result<Vec<String>> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let unreadable =
            |cause| Error::io(format!("The applications' folder {} cannot be read", folder.display()), cause);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_name(&name) && entry.path().join(FILE).is_file() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c))
}

fn read(path: &Path) -> Result<App> {
    let wrong = |what: String| Error::new(ErrorCode::InvalidConfig, format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|cause| wrong(format!("cannot be read: {cause}")))?;
    // The library's message ends with the line and column.
    let app: App = serde_norway::from_str(&text).map_err(|cause| wrong(cause.to_string()))?;
    if !(1..=100).contains(&app.retrieval.top) || !(1..=50).contains(&app.retrieval.sources) {
        return Err(wrong("retrieval.top must be 1–100 and retrieval.sources 1–50".into()));
    }
    Ok(app)
}

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;
