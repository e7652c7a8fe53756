//! What a name in `model` stands for: an application, a knowledge base, or a chat model.
//!
//! It does not know what is then done with it.

use crate::app::{AppSampling, Retrieval};
use crate::chat::Gateway;
use std::sync::Arc;
use yizhan_access::Principal;
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_knowledge::Instructions;
use yizhan_model::ChatModel;
use yizhan_store::Base;

/// What a name in `model` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// A chat model.
    Chat,
    /// An embedding model.
    Embedding,
    /// A knowledge base.
    Base,
    /// An application.
    App,
}

impl ModelKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            ModelKind::Chat => "chat",
            ModelKind::Embedding => "embedding",
            ModelKind::Base => "base",
            ModelKind::App => "app",
        }
    }
}

/// One line of `GET /v1/models`.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelEntry {
    /// What callers put into `model`.
    pub name: ModelName,
    /// What it stands for.
    pub kind: ModelKind,
    /// When it came to be, seconds since 1970; 0 when unknown.
    pub created: i64,
    /// Who made it, e.g. a vendor, or `yizhan` for bases and applications.
    pub owner: String,
}

/// Everything that a call needs of what its name stands for.
pub(crate) struct Target {
    pub(crate) model: Arc<dyn ChatModel>,
    pub(crate) bases: Vec<Base>,
    pub(crate) instructions: Instructions,
    pub(crate) retrieval: Retrieval,
    pub(crate) sampling: AppSampling,
}

/// Most tokens of an answer about documents, where nobody says.
const ANSWER_TOKENS: u32 = 512;

impl Gateway {
    /// Applications come first, then bases, then models: what a team made for itself wins.
    pub(crate) async fn resolve(&self, principal: &Principal, name: &ModelName) -> Result<Target> {
        if let Some(app) = self.apps.get(name.as_str())? {
            let mut bases = Vec::new();
            for base in &app.knowledge {
                bases.push(self.base(principal, base).await?.ok_or_else(|| {
                    let message =
                        format!("Application '{name}' needs the knowledge base '{base}', which does not exist.");
                    Error::new(ErrorCode::InvalidConfig, message)
                })?);
            }
            let model = self.chat_model(app.model.as_ref())?;
            let (instructions, retrieval) = (app.prompt.clone(), app.retrieval.clone());
            let mut sampling = app.sampling;
            if !bases.is_empty() {
                sampling = AppSampling { temperature: sampling.temperature.or(Some(0.0)), ..sampling };
                sampling.max_tokens = sampling.max_tokens.or(Some(ANSWER_TOKENS));
            }
            return Ok(Target { model, bases, instructions, retrieval, sampling });
        }
        if let Some(base) = self.base(principal, name.as_str()).await? {
            return Ok(Target {
                model: self.chat_model(None)?,
                bases: vec![base],
                instructions: Instructions::default(),
                retrieval: Retrieval::default(),
                sampling: AppSampling { temperature: Some(0.0), top_p: None, max_tokens: Some(ANSWER_TOKENS) },
            });
        }
        Ok(Target {
            model: self.chat_model(Some(name))?,
            bases: Vec::new(),
            instructions: Instructions::default(),
            retrieval: Retrieval::default(),
            sampling: AppSampling::default(),
        })
    }

    async fn base(&self, principal: &Principal, name: &str) -> Result<Option<Base>> {
        self.knowledge.parts().store.base(principal.tenant(), name).await
    }

    fn chat_model(&self, name: Option<&ModelName>) -> Result<Arc<dyn ChatModel>> {
        let name = match name.or(self.settings.chat.as_ref()) {
            Some(name) => name,
            None => {
                let message = "No chat model is installed: run `yizhan model list`, then `yizhan model pull NAME`.";
                return Err(Error::new(ErrorCode::ModelUnavailable, message));
            }
        };
        self.knowledge.parts().models.chat(name)
    }

    /// Everything that a caller may put into `model`.
    pub async fn list(&self, principal: &Principal) -> Result<Vec<ModelEntry>> {
        let parts = self.knowledge.parts();
        let listed = |name: &str, kind, created_ms: i64| ModelEntry {
            name: ModelName::new(name),
            kind,
            created: created_ms / 1000,
            owner: "yizhan".to_owned(),
        };
        let mut all: Vec<ModelEntry> = self.apps.names().iter().map(|name| listed(name, ModelKind::App, 0)).collect();
        let bases = parts.store.bases(principal.tenant()).await?;
        all.extend(bases.iter().map(|base| listed(&base.name, ModelKind::Base, base.created_ms)));
        all.extend(parts.models.chat_models().iter().map(|name| listed(name.as_str(), ModelKind::Chat, 0)));
        all.extend(parts.models.embed_models().iter().map(|name| listed(name.as_str(), ModelKind::Embedding, 0)));
        Ok(all)
    }
}
