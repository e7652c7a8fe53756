//! The house, assembled over a data folder that this process holds: drivers behind the traits.
//!
//! ```text
//! SQLite + blobs ─┐
//! tantivy, vectors ├─ Knowledge ─ Gateway ─ server
//! parser children ─┤
//! model workers ──┘
//! ```

use crate::cli::Global;
use crate::config::Config;
use crate::data::{DataLock, cache_folder, worker_program};
use crate::governance;
use crate::limits::Limits;
use crate::memory::Memory;
use crate::models::{self, Models, OCR, PDFIUM};
use crate::secrets::{self, StoredKeys};
use crate::watch::{self, Gauges};
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yizhan_access::{Access, Fetch, Oidc};
use yizhan_admission::Queue;
use yizhan_document::{OcrModels, Parser, ParserOptions, Tools};
use yizhan_domain::{BaseId, Error, Result};
use yizhan_gateway::{Apps, Gateway, Reviews};
use yizhan_index::{FlatIndex, TantivyIndex, TextIndex, VectorIndex};
use yizhan_knowledge::{IndexFactory, Knowledge, Parts};
use yizhan_metering::Meter;
use yizhan_model::ModelRegistry;
use yizhan_runtime::{Options as RuntimeOptions, Runtime};
use yizhan_sqlite::{FileBlobs, Sqlite};
use yizhan_store::{Base, BlobStore, BudgetStore, DocumentStore, KeyStore, ReviewStore, UsageStore};
use yizhan_telemetry::{Metrics, MetricsOptions};
use yizhan_vault::Vault;

/// The assembled house.
pub(crate) struct Assembly {
    pub(crate) store: Arc<Sqlite>,
    pub(crate) blobs: Arc<FileBlobs>,
    pub(crate) models: Arc<Models>,
    pub(crate) knowledge: Arc<Knowledge>,
    folder: PathBuf,
    /// Released last.
    _lock: DataLock,
}

impl Assembly {
    /// Opens everything in the data folder. Nothing big is loaded: models, dictionaries and
    /// indexes come with their first use.
    pub(crate) async fn open(global: &Global, folder: &Path, lock: DataLock) -> Result<Self> {
        let store = Arc::new(Sqlite::open(folder)?);
        let blobs = Arc::new(FileBlobs::open(folder)?);
        // The lock says that no other process works here: what is leased was left by a dead one.
        let released = store.release_leases().await?;
        if released > 0 {
            tracing::info!(released, "documents of an interrupted run are queued again");
        }
        let cache = models::cache(&cache_folder(global), None)?;
        let program = worker_program()?;
        let parser = Parser::new(program.clone(), ParserOptions::new(tools(&cache)));
        let mut options = RuntimeOptions::default();
        if let Some(threads) = global.threads {
            options.threads = threads.max(1);
        }
        let models = Arc::new(Models::new(cache, Runtime::new(program, options)));
        let knowledge = Arc::new(Knowledge::new(Parts {
            store: Arc::clone(&store) as Arc<dyn DocumentStore>,
            blobs: Arc::clone(&blobs) as Arc<dyn BlobStore>,
            models: Arc::clone(&models) as Arc<dyn ModelRegistry>,
            indexes: Arc::new(IndexFolder(folder.join("index"))),
            parser: Arc::new(parser),
        }));
        Ok(Self { store, blobs, models, knowledge, folder: folder.to_owned(), _lock: lock })
    }

    /// The queue of what rules hold for a person.
    pub(crate) fn reviews(&self, config: &Config) -> Reviews {
        Reviews::new(Arc::clone(&self.store) as Arc<dyn ReviewStore>, config.review)
    }

    /// The gateway over a folder of applications, governed as the configuration says.
    pub(crate) async fn gateway(&self, global: &Global, apps: &Path, config: &Config) -> Result<Governed> {
        let apps = Apps::open(apps)?;
        let vault = secrets::vault(config, &self.folder, &self.store);
        let stored = StoredKeys::read(config, &vault).await?;
        let providers = self.models.set_providers(governance::providers(config, &stored)?);
        let memory = Memory::open(config).await?;
        let policy = governance::policy(config, &providers, &self.models, global.chat_model.as_deref(), &memory)?;
        let budgets = Arc::clone(&self.store) as Arc<dyn BudgetStore>;
        let limits = Limits::open(config, budgets).await?;
        let mut access = Access::new(Arc::clone(&self.store) as Arc<dyn KeyStore>)
            .with_limits(config.limits.clone(), limits.limiter())?;
        if !config.oidc.is_empty() {
            access = access.with_oidc(Oidc::new(config.oidc.clone(), Arc::new(Web))?);
        }
        let access = Arc::new(access);
        let usage = Arc::clone(&self.store) as Arc<dyn UsageStore>;
        let options = MetricsOptions { version: env!("CARGO_PKG_VERSION").to_owned(), ..MetricsOptions::default() };
        let (metrics, gauges) = (Arc::new(Metrics::new(options)), Arc::<Gauges>::default());
        let (ledger, meter) = governance::ledger(config, &self.folder, usage, {
            let (metrics, gauges) = (Arc::clone(&metrics), Arc::clone(&gauges));
            move |sequence, record| {
                gauges.recorded(sequence);
                watch::observe(&metrics, record);
            }
        })
        .await?;
        let queue = Queue::new(config.queue);
        let gateway = Gateway::new(Arc::clone(&self.knowledge), apps, access, ledger, queue, policy);
        let reviews = self.reviews(config);
        reviews.free_uses().await?;
        let gateway = Arc::new(gateway.with_reviews(reviews));
        watch::watch(&metrics, &gateway, Arc::clone(&gauges));
        Ok(Governed { gateway, vault, limits, memory, meter, metrics, gauges })
    }
}

/// Documents of the web.
pub(crate) struct Web;

#[async_trait]
impl Fetch for Web {
    async fn get(&self, url: &str) -> Result<Vec<u8>> {
        yizhan_provider::fetch(url).await
    }
}

/// A gateway with what has to be looked after beside it.
pub(crate) struct Governed {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) limits: Limits,
    pub(crate) memory: Memory,
    pub(crate) meter: Arc<Meter>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) gauges: Arc<Gauges>,
}

impl Governed {
    /// Nothing is lost without this; it spares the next start work, and gives drawn budgets back.
    pub(crate) async fn close(&self) -> Result<()> {
        self.limits.close().await?;
        self.meter.flush().await
    }
}

fn tools(cache: &yizhan_catalog::Cache) -> Tools {
    let pdfium = cache.find(PDFIUM).map(|installed| installed.path("libpdfium.so"));
    let ocr = cache.find(OCR).map(|installed| OcrModels {
        detection: installed.path("detection.rten"),
        recognition: installed.path("recognition.rten"),
        alphabet: installed.path("dictionary.txt"),
    });
    Tools { pdfium, ocr, ..Tools::default() }
}

/// Indexes in folders by base. What cannot be opened is derived data: it is wiped and rebuilt.
struct IndexFolder(PathBuf);

impl IndexFolder {
    fn fresh<T>(&self, folder: &Path, open: impl Fn() -> Result<T>) -> Result<T> {
        match open() {
            Ok(index) => Ok(index),
            Err(error) => {
                tracing::warn!(%error, folder = %folder.display(), "an index cannot be used and is rebuilt from the store");
                std::fs::remove_dir_all(folder)
                    .map_err(|cause| Error::io(format!("{} cannot be removed", folder.display()), cause))?;
                open()
            }
        }
    }
}

impl IndexFactory for IndexFolder {
    fn text(&self, base: &Base) -> Result<Arc<dyn TextIndex>> {
        let folder = self.0.join(base.id.as_str()).join("text");
        let index = self.fresh(&folder, || TantivyIndex::open(&folder, &base.settings.dictionary))?;
        Ok(Arc::new(index))
    }

    fn vector(&self, base: &Base, dimensions: usize) -> Result<Arc<dyn VectorIndex>> {
        let folder = self.0.join(base.id.as_str()).join("vector");
        let index = self.fresh(&folder, || FlatIndex::open(&folder, dimensions))?;
        Ok(Arc::new(index))
    }

    fn remove(&self, base: &BaseId) -> Result<()> {
        let folder = self.0.join(base.as_str());
        match std::fs::remove_dir_all(&folder) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(format!("{} cannot be removed", folder.display()), cause))
            }
            _ => Ok(()),
        }
    }
}
