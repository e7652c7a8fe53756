//! A caller who showed a key, and what that key permits.
//!
//! It does not know how the key was checked.

use std::fmt;
use std::sync::Arc;
use yizhan_domain::{Error, ErrorCode, KeyId, Result, TenantId};
use yizhan_store::Key;

/// What a key may be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything, keys included.
    Admin,
    /// Models: chat, embeddings, and search of what is there already.
    Inference,
    /// Files and knowledge bases: to add, change and remove them.
    Documents,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: &'static [Scope] = &[Scope::Admin, Scope::Inference, Scope::Documents];

    /// The word that is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Admin => "admin",
            Scope::Inference => "inference",
            Scope::Documents => "documents",
        }
    }

    /// The scope of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == word)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A caller who is known. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal(Arc<Known>);

#[derive(Debug, PartialEq, Eq)]
struct Known {
    tenant: TenantId,
    key: KeyId,
    scopes: Vec<Scope>,
}

impl Principal {
    /// The operator at the command line, who may do everything: they hold the data directory, so a key
    /// would keep nothing from them. Never for a call that came over a network.
    pub fn local(tenant: TenantId) -> Self {
        Self(Arc::new(Known { tenant, key: KeyId::new("local"), scopes: vec![Scope::Admin] }))
    }

    /// Only for a key whose secret was shown. A scope that this version does not know permits nothing.
    pub(crate) fn of(key: Key) -> Self {
        let scopes = key.scopes.iter().filter_map(|word| Scope::parse(word)).collect();
        Self(Arc::new(Known { tenant: key.tenant, key: key.id, scopes }))
    }

    /// For whom the call is made, and whose data it may see.
    pub fn tenant(&self) -> &TenantId {
        &self.0.tenant
    }

    /// Which key was shown.
    pub fn key(&self) -> &KeyId {
        &self.0.key
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
}
