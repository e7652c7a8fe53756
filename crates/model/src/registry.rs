//! Finding models by name.
//!
//! It does not know where models come from; `app` assembles the registry.

use crate::{ChatModel, EmbedModel, RerankModel};
use std::sync::Arc;
use yizhan_domain::{ModelName, Result};

/// The models that this installation can use. Looking one up loads nothing; using it may.
pub trait ModelRegistry: Send + Sync {
    /// A chat model; `ModelNotFound` when there is none of that name, `ModelUnavailable` when it
    /// is known but its file is not there.
    fn chat(&self, name: &ModelName) -> Result<Arc<dyn ChatModel>>;

    /// An embedding model; errors as above.
    fn embed(&self, name: &ModelName) -> Result<Arc<dyn EmbedModel>>;

    /// The reranker that a chat model can serve as; errors as above.
    fn rerank(&self, name: &ModelName) -> Result<Arc<dyn RerankModel>>;

    /// Names of the chat models that can be used now.
    fn chat_models(&self) -> Vec<ModelName>;

    /// Names of the embedding models that can be used now.
    fn embed_models(&self) -> Vec<ModelName>;
}
