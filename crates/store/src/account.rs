//! Tenants, their projects and their users: what keys belong to and limits are set for.
//!
//! It does not know what a limit is or how a caller proves to be someone: `access` does.

use crate::NewKey;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use yizhan_domain::{ProjectId, Result, TenantId, UserId};

/// Which account: a tenant, or a project or user of one. Projects and users of two tenants may have
/// the same id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountId {
    /// A tenant.
    Tenant(TenantId),
    /// A tenant's project.
    Project(TenantId, ProjectId),
    /// A tenant's user.
    User(TenantId, UserId),
}

impl AccountId {
    /// The account of that kind (`tenant`, `project` or `user`) and id; none for another word.
    pub fn of_kind(kind: &str, tenant: TenantId, id: &str) -> Option<Self> {
        match kind {
            "tenant" => Some(Self::Tenant(tenant)),
            "project" => Some(Self::Project(tenant, ProjectId::from(id))),
            "user" => Some(Self::User(tenant, UserId::from(id))),
            _ => None,
        }
    }

    /// The tenant that it is, or is of.
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Tenant(tenant) | Self::Project(tenant, _) | Self::User(tenant, _) => tenant,
        }
    }

    /// `tenant`, `project` or `user`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Tenant(_) => "tenant",
            Self::Project(..) => "project",
            Self::User(..) => "user",
        }
    }

    /// Its own id, without the tenant's.
    pub fn own(&self) -> &str {
        match self {
            Self::Tenant(tenant) => tenant.as_str(),
            Self::Project(_, project) => project.as_str(),
            Self::User(_, user) => user.as_str(),
        }
    }

    /// Does a key belong to it?
    pub fn has_key(&self, tenant: &TenantId, project: Option<&ProjectId>, user: Option<&UserId>) -> bool {
        self.tenant() == tenant
            && match self {
                Self::Tenant(_) => true,
                Self::Project(_, own) => project == Some(own),
                Self::User(_, own) => user == Some(own),
            }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}'", self.kind(), self.own())
    }
}

/// What may be said of an account, and changed later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountTerms {
    /// What people call it.
    pub name: String,
    /// Its keys are refused while this holds.
    pub disabled: bool,
    /// Its limits, as `access` writes them; null for the configured ones.
    pub limits: Value,
}

/// A tenant, project or user that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Which one.
    pub id: AccountId,
    /// What is said of it.
    #[serde(flatten)]
    pub terms: AccountTerms,
    /// It stands in the configuration, which alone may change it.
    pub declared: bool,
    /// When it was made, milliseconds since 1970; 0 for the default tenant.
    pub created_ms: i64,
}

impl Account {
    /// The default tenant as it is in a new store.
    pub fn default_tenant() -> Self {
        let id = AccountId::Tenant(TenantId::default_tenant());
        Self { id, terms: AccountTerms::default(), declared: false, created_ms: 0 }
    }
}

/// What the configuration declares, all of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declaration {
    /// Tenants, and their projects and users.
    pub accounts: Vec<(AccountId, AccountTerms)>,
    /// Keys.
    pub keys: Vec<NewKey>,
}

/// What a declaration changed, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Accounts and keys that are new.
    pub created: usize,
    /// Those that were declared otherwise before.
    pub changed: usize,
    /// Those that are declared no more: removed, or disabled because something made by command or API
    /// hangs on them.
    pub withdrawn: usize,
}

/// Keeps accounts. The default tenant is there from the start and cannot be deleted.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Keeps a new account. `Conflict` when it is there, `NotFound` when its tenant is not.
    async fn create_account(&self, id: AccountId, terms: AccountTerms) -> Result<Account>;

    /// The account.
    async fn account(&self, id: &AccountId) -> Result<Option<Account>>;

    /// All tenants, oldest first.
    async fn tenants(&self) -> Result<Vec<Account>>;

    /// A tenant's projects and users, oldest first.
    async fn members(&self, tenant: &TenantId) -> Result<Vec<Account>>;

    /// Says something else of an account; `NotFound` when there is none.
    async fn change_account(&self, id: &AccountId, terms: AccountTerms) -> Result<Account>;

    /// Forgets an account with its keys, and a tenant with its projects and users. `NotFound` when there
    /// is none, `Conflict` for the default tenant.
    async fn delete_account(&self, id: &AccountId) -> Result<()>;

    /// Makes what is declared true, all at once or not at all. What was made by command or API stays as
    /// it is; `Conflict` when a declaration has the id of such an account or the secret of such a key.
    async fn declare(&self, declaration: Declaration) -> Result<Declared>;
}
