//! A caller who showed a key or a token, and what that permits.
//!
//! It does not know how it was checked.

use crate::limiter::Subject;
use crate::network::Network;
use crate::{Role, Scope, glob};
use std::net::IpAddr;
use std::sync::Arc;
use yizhan_domain::{Error, ErrorCode, KeyId, ModelName, ProjectId, Result, TenantId, UserId};

/// In place of a key's id, for the operator at the command line. No key's id is like it.
const LOCAL: &str = "local";

/// A caller who is known. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal(Arc<Known>);

/// What is known of a caller.
#[derive(Debug, PartialEq)]
pub(crate) struct Known {
    pub tenant: TenantId,
    pub project: Option<ProjectId>,
    pub user: Option<UserId>,
    pub key: KeyId,
    pub role: Option<Role>,
    pub scopes: Vec<Scope>,
    pub expires_ms: Option<i64>,
    pub models: Vec<String>,
    pub networks: Vec<Network>,
    pub limited: Vec<Limited>,
}

/// One of those whose limits hold for a caller.
#[derive(Debug, PartialEq)]
pub(crate) struct Limited {
    /// Its limits for all models together, if it has any.
    pub subject: Option<Arc<Subject>>,
    /// Its limits for models by pattern.
    pub models: Vec<(String, Arc<Subject>)>,
}

/// All subjects of some holders, in their order.
pub(crate) fn all_subjects(limited: &[Limited]) -> Vec<Arc<Subject>> {
    let of_one = |one: &Limited| {
        let of_models = one.models.iter().map(|(_, subject)| subject.clone());
        one.subject.clone().into_iter().chain(of_models).collect::<Vec<_>>()
    };
    limited.iter().flat_map(of_one).collect()
}

impl Principal {
    /// The operator at the command line, who may do everything: they hold the data directory, so a key
    /// would keep nothing from them. Never for a call that came over a network. No limits hold.
    pub fn local(tenant: TenantId) -> Self {
        Self::of(Known {
            tenant,
            project: None,
            user: None,
            key: KeyId::new(LOCAL),
            role: Some(Role::Admin),
            scopes: vec![Scope::Admin],
            expires_ms: None,
            models: Vec::new(),
            networks: Vec::new(),
            limited: Vec::new(),
        })
    }

    /// Is this the operator at the command line?
    pub fn is_local(&self) -> bool {
        self.0.key.as_str() == LOCAL
    }

    /// Only for someone whose secret or token was checked.
    pub(crate) fn of(known: Known) -> Self {
        Self(Arc::new(known))
    }

    /// For whom the call is made, and whose data it may see.
    pub fn tenant(&self) -> &TenantId {
        &self.0.tenant
    }

    /// The project that it is made for.
    pub fn project(&self) -> Option<&ProjectId> {
        self.0.project.as_ref()
    }

    /// Who makes it.
    pub fn user(&self) -> Option<&UserId> {
        self.0.user.as_ref()
    }

    /// Which key was shown; for a token `oidc-` with a part of the hash of its issuer and subject.
    pub fn key(&self) -> &KeyId {
        &self.0.key
    }

    /// The role that the key was given.
    pub fn role(&self) -> Option<Role> {
        self.0.role
    }

    /// What the key permits.
    pub fn scopes(&self) -> &[Scope] {
        &self.0.scopes
    }

    /// `PermissionDenied` unless the key has this scope, or `admin`, which includes every other.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.0.scopes.iter().any(|held| *held == scope || *held == Scope::Admin) {
            return Ok(());
        }
        let message = format!(
            "This key ({}) lacks the scope '{scope}'. Use one that has it, or ask an administrator for one.",
            self.0.key
        );
        Err(Error::new(ErrorCode::PermissionDenied, message))
    }

    /// `PermissionDenied` unless the caller may do this for the whole installation, such as manage tenants
    /// (`admin`) or load models (`operate`): with a key of the default tenant, which is the installation's
    /// own, or at the command line.
    pub fn require_installation(&self, scope: Scope) -> Result<()> {
        self.require(scope)?;
        if self.0.tenant == TenantId::default_tenant() || self.is_local() {
            return Ok(());
        }
        let message = "Only the installation's own administrators and operators may do this. Ask them.";
        Err(Error::new(ErrorCode::PermissionDenied, message))
    }

    /// `PermissionDenied` when the key is for other models.
    pub fn require_model(&self, model: &ModelName) -> Result<()> {
        if self.may_use(model) {
            return Ok(());
        }
        let shown: String = model.as_str().chars().take(100).collect();
        let message = format!(
            "This key ({}) is not for the model '{shown}'. Use one of: {}.",
            self.0.key,
            self.0.models.join(", ")
        );
        Err(Error::new(ErrorCode::PermissionDenied, message).at("model"))
    }

    /// Is the key for this model? For lists of models.
    pub fn may_use(&self, model: &ModelName) -> bool {
        self.0.models.is_empty() || self.0.models.iter().any(|pattern| glob::matches(pattern, model.as_str()))
    }

    /// Whose limits hold for a call of this model.
    pub(crate) fn subjects(&self, model: &ModelName) -> Vec<Arc<Subject>> {
        let mut subjects = Vec::with_capacity(self.0.limited.len() + 1);
        for limited in &self.0.limited {
            subjects.extend(limited.subject.clone());
            let matching = limited.models.iter().filter(|(pattern, _)| glob::matches(pattern, model.as_str()));
            subjects.extend(matching.map(|(_, subject)| subject.clone()));
        }
        subjects
    }

    /// Whose limits hold, whatever the model.
    pub(crate) fn all_subjects(&self) -> Vec<Arc<Subject>> {
        all_subjects(&self.0.limited)
    }

    /// `PermissionDenied` unless the caller's own key is for all models that such patterns name (none: all of
    /// them). A pattern is compared as a text: it is not looked at what it may match.
    pub fn require_models(&self, patterns: &[String]) -> Result<()> {
        let own = &self.0.models;
        let covers = |pattern: &String| {
            own.contains(pattern) || (!pattern.contains('*') && self.may_use(&ModelName::new(pattern.as_str())))
        };
        if own.is_empty() || (!patterns.is_empty() && patterns.iter().all(covers)) {
            return Ok(());
        }
        let message = format!(
            "Your key ({}) is for the models {} alone, and so must be every key that you make or change. Ask an              administrator.",
            self.0.key,
            own.join(", ")
        );
        Err(Error::new(ErrorCode::PermissionDenied, message).at("models"))
    }

    /// The names under which a call of this model is counted, e.g. `project:clinic/web`, or
    /// `key:key-1 qwen*` for limits of models; of those alone that have limits. A record of usage that
    /// keeps them can say later what was spent of each budget
    /// ([`BudgetStore::set_spent`](yizhan_store::BudgetStore::set_spent)).
    pub fn accounts(&self, model: &ModelName) -> Vec<Arc<str>> {
        self.subjects(model).iter().map(|subject| subject.id.clone()).collect()
    }

    /// What has to be looked at each time that the same key is shown.
    pub(crate) fn check(&self, now_ms: i64, peer: Option<IpAddr>) -> Result<()> {
        if self.0.expires_ms.is_some_and(|until| until <= now_ms) {
            let message = "The API key or token has expired. Ask an administrator for a new one, or sign in again.";
            return Err(Error::new(ErrorCode::InvalidApiKey, message));
        }
        let networks = &self.0.networks;
        if networks.is_empty() || peer.is_some_and(|peer| networks.iter().any(|network| network.contains(peer))) {
            return Ok(());
        }
        let message = "This key may not be used from this network address. Call from one that it is meant for, or \
                       ask an administrator.";
        Err(Error::new(ErrorCode::PermissionDenied, message))
    }
}
