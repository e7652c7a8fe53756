//! A provider and its models.
//!
//! It does not know other providers, nor which of them a call should go to.

use crate::chat::RemoteChat;
use crate::client::Client;
use crate::config::{ModelConfig, ModelKind, ProviderConfig};
use crate::embed::RemoteEmbed;
use crate::failure::Failure;
use crate::rerank::RemoteRerank;
use crate::vendor::{self, Vendor};
use crate::{Secret, VendorName};
use http::Uri;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_model::{ChatModel, EmbedModel, RerankModel};

/// What all models of a provider share: one pool of connections above all.
pub(crate) struct Shared {
    pub(crate) name: String,
    /// The base URL without a slash at its end.
    pub(crate) base: String,
    pub(crate) vendor: &'static dyn Vendor,
    pub(crate) client: Client,
    key: Option<Secret>,
}

impl Shared {
    /// The error that a user sees. Some servers repeat the key in their texts: it is taken out.
    pub(crate) fn tell(&self, failure: Failure) -> Error {
        let error = failure.tell(&self.name, self.vendor);
        match &self.key {
            Some(key) if error.message().contains(key.expose()) => {
                Error::new(error.code(), error.message().replace(key.expose(), "…"))
            }
            _ => error,
        }
    }
}

/// A configured provider. Making one opens no connection; the first call does.
pub struct Provider {
    shared: Arc<Shared>,
    vendor: VendorName,
    models: Vec<ModelConfig>,
    chat: HashMap<ModelName, Arc<dyn ChatModel>>,
    embed: HashMap<ModelName, Arc<dyn EmbedModel>>,
    rerank: HashMap<ModelName, Arc<dyn RerankModel>>,
}

impl Provider {
    /// From its configuration and its key, which the caller has read from where the configuration says. Must be called
    /// within a tokio runtime's life, not necessarily inside one. Errors: `InvalidConfig`, with what to change.
    pub fn new(config: ProviderConfig, key: Option<Secret>) -> Result<Self> {
        let name = config.name.clone();
        Self::build(config, key).map_err(|error| error.context(format!("providers.{name}")))
    }

    fn build(config: ProviderConfig, key: Option<Secret>) -> Result<Self> {
        let hooks = vendor::of(config.vendor);
        let wrong = |message: String| Error::new(ErrorCode::InvalidConfig, message);
        if config.name.is_empty() {
            return Err(wrong("A provider needs a 'name'.".to_owned()));
        }
        config.timeouts.check()?;
        let url = config.base_url.as_deref().or(hooks.base_url());
        let url = url.ok_or_else(|| wrong("This vendor has no address of its own; set 'base_url'.".to_owned()))?;
        let key = key.filter(|key| !key.expose().is_empty());
        // Another address than the vendor's own may be a server without keys.
        if key.is_none() && hooks.needs_key() && config.base_url.is_none() {
            return Err(wrong("The vendor wants a key; set 'key', e.g. key = { env = \"NAME\" }.".to_owned()));
        }
        let ca_file = config.ca_file.as_deref();
        let client = Client::new(url, hooks, key.as_ref(), &config.headers, config.timeouts, ca_file)?;
        let base = url.trim_end_matches('/').to_owned();
        let shared = Arc::new(Shared { name: config.name, base, vendor: hooks, client, key });
        let mut provider = Self {
            shared,
            vendor: config.vendor,
            models: Vec::new(),
            chat: HashMap::new(),
            embed: HashMap::new(),
            rerank: HashMap::new(),
        };
        config.models.into_iter().try_for_each(|model| provider.add(model))?;
        Ok(provider)
    }

    fn add(&mut self, model: ModelConfig) -> Result<()> {
        model.check()?;
        if self.models.iter().any(|other| other.name == model.name) {
            let message = format!("Two models are named '{}'.", model.name.as_str());
            return Err(Error::new(ErrorCode::InvalidConfig, message));
        }
        let (name, shared) = (model.name.clone(), Arc::clone(&self.shared));
        match model.kind {
            ModelKind::Chat => {
                self.chat.insert(name, Arc::new(RemoteChat::new(shared, model.clone())?));
            }
            ModelKind::Embedding => {
                self.embed.insert(name, Arc::new(RemoteEmbed::new(shared, model.clone())?));
            }
            ModelKind::Rerank => {
                self.rerank.insert(name, Arc::new(RemoteRerank::new(shared, model.clone())?));
            }
        }
        self.models.push(model);
        Ok(())
    }

    /// Its name here.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Whose servers it is.
    pub fn vendor(&self) -> VendorName {
        self.vendor
    }

    /// The one host, with its port where it is not the usual one, to which requests go.
    pub fn authority(&self) -> &str {
        self.shared.client.authority()
    }

    /// The same host, and its port in any case.
    pub fn address(&self) -> (String, u16) {
        let uri: Uri = self.shared.base.parse().unwrap_or_default();
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        (uri.host().unwrap_or_default().to_owned(), uri.port_u16().unwrap_or(usual))
    }

    /// Its models as configured.
    pub fn models(&self) -> &[ModelConfig] {
        &self.models
    }

    /// A chat model, by its name here; `ModelNotFound` when there is none.
    pub fn chat(&self, name: &ModelName) -> Result<Arc<dyn ChatModel>> {
        self.find(&self.chat, name, "chat model")
    }

    /// An embedding model, likewise.
    pub fn embed(&self, name: &ModelName) -> Result<Arc<dyn EmbedModel>> {
        self.find(&self.embed, name, "embedding model")
    }

    /// A reranker, likewise.
    pub fn rerank(&self, name: &ModelName) -> Result<Arc<dyn RerankModel>> {
        self.find(&self.rerank, name, "reranker")
    }

    fn find<T: ?Sized>(&self, models: &HashMap<ModelName, Arc<T>>, name: &ModelName, what: &str) -> Result<Arc<T>> {
        models.get(name).cloned().ok_or_else(|| {
            let (name, provider) = (name.as_str(), self.name());
            let message = format!("The provider '{provider}' has no {what} '{name}'.");
            Error::new(ErrorCode::ModelNotFound, message)
        })
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("name", &self.name()).field("host", &self.authority()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
