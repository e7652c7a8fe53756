//! What a name in `model` stands for: an application, a knowledge base, or a chat model.
//!
//! It does not know what is then done with it.

use crate::app::{AppSampling, Retrieval};
use crate::chat::Gateway;
use crate::policy::Policy;
use std::sync::Arc;
use yizhan_access::Principal;
use yizhan_admission::Step;
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_knowledge::Instructions;
use yizhan_routing::Route;
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
    pub(crate) route: Arc<Route>,
    /// The application's name, if it is one.
    pub(crate) app: Option<String>,
    pub(crate) bases: Vec<Base>,
    pub(crate) instructions: Instructions,
    pub(crate) retrieval: Retrieval,
    pub(crate) sampling: AppSampling,
}

impl Target {
    /// A model without instructions or documents.
    fn bare(route: Arc<Route>) -> Self {
        Self {
            route,
            app: None,
            bases: Vec::new(),
            instructions: Instructions::default(),
            retrieval: Retrieval::default(),
            sampling: AppSampling::default(),
        }
    }
}

/// Most tokens of an answer about documents, where nobody says.
const ANSWER_TOKENS: u32 = 512;

impl Gateway {
    /// Applications come first, then routes, then bases, then models of this machine.
    pub(crate) async fn resolve(
        &self,
        policy: &Policy,
        principal: &Principal,
        name: &ModelName,
        step: Step,
    ) -> Result<Target> {
        let mut target = self.target(policy, principal, name).await?;
        if step >= Step::CheaperModel
            && let Some(cheaper) = &policy.degradation.cheaper
        {
            target.route = self.route(policy, Some(cheaper))?;
        }
        Ok(target)
    }

    async fn target(&self, policy: &Policy, principal: &Principal, name: &ModelName) -> Result<Target> {
        if let Some(app) = self.apps.get(name.as_str())? {
            let mut bases = Vec::new();
            for base in &app.knowledge {
                bases.push(self.base(principal, base).await?.ok_or_else(|| {
                    let message =
                        format!("Application '{name}' needs the knowledge base '{base}', which does not exist.");
                    Error::new(ErrorCode::InvalidConfig, message)
                })?);
            }
            let route = self.route(policy, app.model.as_ref())?;
            let (instructions, retrieval) = (app.prompt.clone(), app.retrieval.clone());
            let mut sampling = app.sampling;
            if !bases.is_empty() {
                sampling = AppSampling { temperature: sampling.temperature.or(Some(0.0)), ..sampling };
                sampling.max_tokens = sampling.max_tokens.or(Some(ANSWER_TOKENS));
            }
            let app = Some(name.as_str().to_owned());
            return Ok(Target { route, app, bases, instructions, retrieval, sampling });
        }
        // Before the bases: calls of remote models need no look into the store.
        if let Some(route) = policy.routes.get(name) {
            return Ok(Target::bare(Arc::clone(route)));
        }
        if let Some(base) = self.base(principal, name.as_str()).await? {
            return Ok(Target {
                route: self.route(policy, None)?,
                app: None,
                bases: vec![base],
                instructions: Instructions::default(),
                retrieval: Retrieval::default(),
                sampling: AppSampling { temperature: Some(0.0), top_p: None, max_tokens: Some(ANSWER_TOKENS) },
            });
        }
        Ok(Target::bare(self.route(policy, Some(name))?))
    }

    async fn base(&self, principal: &Principal, name: &str) -> Result<Option<Base>> {
        self.knowledge.parts().store.base(principal.tenant(), name).await
    }

    fn route(&self, policy: &Policy, name: Option<&ModelName>) -> Result<Arc<Route>> {
        let name = match name.or(policy.chat.as_ref()) {
            Some(name) => name,
            None => {
                let message = "No chat model is installed: run `yizhan model list`, then `yizhan model pull NAME`.";
                return Err(Error::new(ErrorCode::ModelUnavailable, message));
            }
        };
        match policy.routes.get(name) {
            Some(route) => Ok(Arc::clone(route)),
            None => Ok(Arc::new(Route::single(self.knowledge.parts().models.chat(name)?))),
        }
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
        let policy = self.policy();
        all.extend(policy.routes.keys().map(|name| listed(name.as_str(), ModelKind::Chat, 0)));
        let local = parts.models.chat_models();
        let local = local.iter().filter(|name| !policy.routes.contains_key(*name));
        all.extend(local.map(|name| listed(name.as_str(), ModelKind::Chat, 0)));
        all.extend(parts.models.embed_models().iter().map(|name| listed(name.as_str(), ModelKind::Embedding, 0)));
        // What a key is not for, its caller does not see.
        all.retain(|entry| principal.may_use(&entry.name));
        Ok(all)
    }
}
