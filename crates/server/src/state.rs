//! What every handler can reach, and the limits of the server.

use crate::backend::{ChatBackend, KnowledgeBackend, UsageBackend};
use crate::batches::Batches;
use crate::doors::Tls;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use yizhan_access::Access;
use yizhan_gateway::Reviews;
use yizhan_store::{BlobStore, DocumentStore};
use yizhan_telemetry::Tracer;
use yizhan_vault::Vault;

/// Limits of the server. All have defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most bytes of a JSON body.
    pub body_bytes: usize,
    /// Most bytes of an uploaded file. It is held in memory while it is taken.
    pub file_bytes: usize,
    /// Most bytes of all uploads that are being taken at one time; further ones wait.
    pub uploads_bytes: usize,
    /// A request's head must be complete this long after the one before was answered: an idle
    /// connection is closed then. Longer than clients keep idle connections, so that none of them
    /// sends a request into one that is just being closed.
    pub head_timeout: Duration,
    /// A request's body, or the reading of a reply, may not pause for longer than this.
    pub idle_timeout: Duration,
    /// A request's body comes within `idle_timeout` and a second more for every so many of its bytes: this is the
    /// least rate of a long body, in bytes a second.
    pub body_rate: u32,
    /// A stream that has nothing to say sends a comment this often.
    pub keep_alive: Duration,
    /// How long requests under way may take after the shutdown has begun.
    pub shutdown_grace: Duration,
    /// Threads that serve connections.
    pub lanes: usize,
    /// Origins from which a browser may call; `*` is any. Empty: none, and no CORS header at all.
    pub cors_origins: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes: 10 << 20,
            file_bytes: 512 << 20,
            uploads_bytes: 1 << 30,
            head_timeout: Duration::from_secs(75),
            idle_timeout: Duration::from_secs(60),
            body_rate: 240,
            keep_alive: Duration::from_secs(15),
            shutdown_grace: Duration::from_secs(20),
            lanes: std::thread::available_parallelism().map_or(1, usize::from),
            cors_origins: Vec::new(),
        }
    }
}

/// What every handler can reach.
pub struct AppState {
    pub(crate) access: Arc<Access>,
    pub(crate) documents: Arc<dyn DocumentStore>,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) chat: Arc<dyn ChatBackend>,
    pub(crate) knowledge: Arc<dyn KnowledgeBackend>,
    /// None: usage is not told.
    pub(crate) usage: Option<Arc<dyn UsageBackend>>,
    /// None: nothing is traced.
    pub(crate) tracer: Option<Tracer>,
    /// None: nothing is held for a person.
    pub(crate) reviews: Option<Reviews>,
    /// None: no secrets are kept.
    pub(crate) vault: Option<Arc<Vault>>,
    /// None: connections are plain.
    pub(crate) tls: Option<Tls>,
    pub(crate) settings: Settings,
    pub(crate) batches: Batches,
    /// One permit a mebibyte of the uploads that are being taken.
    pub(crate) upload_permits: Arc<Semaphore>,
}

impl AppState {
    /// From the subsystems that answer.
    pub fn new(
        access: Arc<Access>,
        documents: Arc<dyn DocumentStore>,
        blobs: Arc<dyn BlobStore>,
        chat: Arc<dyn ChatBackend>,
        knowledge: Arc<dyn KnowledgeBackend>,
        settings: Settings,
    ) -> Self {
        let permits = settings.uploads_bytes.max(settings.file_bytes).div_ceil(1 << 20);
        let upload_permits = Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        let batches = Batches::default();
        Self {
            access,
            documents,
            blobs,
            chat,
            knowledge,
            usage: None,
            tracer: None,
            reviews: None,
            vault: None,
            tls: None,
            settings,
            batches,
            upload_permits,
        }
    }

    /// With someone who traces requests.
    pub fn with_tracer(mut self, tracer: Option<Tracer>) -> Self {
        self.tracer = tracer;
        self
    }

    /// With someone who says what calls used.
    pub fn with_usage(mut self, usage: Arc<dyn UsageBackend>) -> Self {
        self.usage = Some(usage);
        self
    }

    /// With the queue of what rules hold for a person.
    pub fn with_reviews(mut self, reviews: Reviews) -> Self {
        self.reviews = Some(reviews);
        self
    }

    /// With TLS on the listener.
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// With secrets that operators may set.
    pub fn with_vault(mut self, vault: Arc<Vault>) -> Self {
        self.vault = Some(vault);
        self
    }
}
