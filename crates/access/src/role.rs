//! What a key may be good for, and roles as words for several such things.
//!
//! It does not know which route needs which.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a key may be good for, within its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything, keys included.
    Admin,
    /// Models: chat, embeddings, and search of what is there already.
    Inference,
    /// Files and knowledge bases: to add, change and remove them.
    Documents,
    /// Keys, projects and users: to make, change and end them.
    Keys,
    /// The audit log: to read and verify it.
    Audit,
    /// Usage, costs and limits: to read them.
    Usage,
    /// The review queue: to approve, edit and reject what rules sent there.
    Review,
    /// The running of the station: models loaded and ended, configuration reloaded, metrics.
    Operate,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: &'static [Scope] = &[
        Scope::Admin,
        Scope::Inference,
        Scope::Documents,
        Scope::Keys,
        Scope::Audit,
        Scope::Usage,
        Scope::Review,
        Scope::Operate,
    ];

    /// The word that is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Admin => "admin",
            Scope::Inference => "inference",
            Scope::Documents => "documents",
            Scope::Keys => "keys",
            Scope::Audit => "audit",
            Scope::Usage => "usage",
            Scope::Review => "review",
            Scope::Operate => "operate",
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

/// A word for several scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything in the tenant.
    Admin,
    /// Runs the station and watches its use, but reads nobody's documents or calls.
    Operator,
    /// Builds applications: models, documents, and what they used.
    Developer,
    /// An application in production: models alone.
    Application,
    /// Reads the audit log and usage; calls nothing.
    Auditor,
    /// Decides on what rules sent to review.
    Reviewer,
}

impl Role {
    /// Every role there is.
    pub const ALL: &'static [Role] =
        &[Role::Admin, Role::Operator, Role::Developer, Role::Application, Role::Auditor, Role::Reviewer];

    /// The word that is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Operator => "operator",
            Role::Developer => "developer",
            Role::Application => "application",
            Role::Auditor => "auditor",
            Role::Reviewer => "reviewer",
        }
    }

    /// What it stands for.
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Role::Admin => &[Scope::Admin],
            Role::Operator => &[Scope::Operate, Scope::Usage],
            Role::Developer => &[Scope::Inference, Scope::Documents, Scope::Usage],
            Role::Application => &[Scope::Inference],
            Role::Auditor => &[Scope::Audit, Scope::Usage],
            Role::Reviewer => &[Scope::Review],
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == word)
    }
}
