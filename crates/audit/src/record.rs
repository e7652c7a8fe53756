//! What is written down about one call, or about one act of governance.
//!
//! It does not know how records are kept, and holds no text of a conversation except as a
//! [`Payload`], which is kept beside the chain and may be deleted earlier.

use crate::hash::Hash;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use yizhan_domain::{CallId, ErrorCode, KeyId, ModelName, Money, ProjectId, TenantId, Usage, UserId};

/// What a record is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A chat call, in whichever dialect.
    #[default]
    Chat,
    /// An embedding call.
    Embedding,
    /// A rerank call.
    Rerank,
    /// A moderation call.
    Moderation,
    /// A search in a knowledge base.
    Search,
    /// Any other call: files, model lists.
    Other,
    /// Somebody changed a tenant, key, limit, rule or application.
    Admin,
    /// The configuration was loaded again, or refused.
    Config,
    /// A step of degradation under load was taken or left.
    Degradation,
    /// Somebody decided on a text that a rule sent to review.
    Review,
    /// Written by the log itself: old segments or payloads were deleted by policy.
    Retention,
    /// Written by the log itself: records that were refused while the disk failed.
    Gap,
}

impl Kind {
    /// Is this a call to a model, which usage counts?
    pub fn is_call(self) -> bool {
        matches!(self, Self::Chat | Self::Embedding | Self::Rerank | Self::Moderation | Self::Search | Self::Other)
    }
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As asked.
    #[default]
    Ok,
    /// Refused before a model was asked, with this code.
    Refused(Code),
    /// A rule of this id blocked the input or the output.
    Blocked(String),
    /// A rule holds the input or the output until a person has decided; the review's id.
    Held(String),
    /// The caller went away.
    Cancelled,
    /// Cut off because a budget ended.
    CutOff,
    /// Failed with this code.
    Failed(Code),
}

impl Outcome {
    /// One word for tables: `ok`, `refused`, `blocked`, `held`, `cancelled`, `cut_off`, `failed`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused(_) => "refused",
            Self::Blocked(_) => "blocked",
            Self::Held(_) => "held",
            Self::Cancelled => "cancelled",
            Self::CutOff => "cut_off",
            Self::Failed(_) => "failed",
        }
    }

    /// What it says besides: an error's code, a rule's or a review's id.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Refused(code) | Self::Failed(code) => Some(code.as_str()),
            Self::Blocked(id) | Self::Held(id) => Some(id),
            _ => None,
        }
    }
}

/// An error's code as a word. A log outlives programs: a word that this one does not know is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(String);

impl Code {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<ErrorCode> for Code {
    fn from(code: ErrorCode) -> Self {
        Self(code.as_str().to_owned())
    }
}

/// One provider that was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its configured name.
    pub provider: String,
    /// The model's name there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// The HTTP status that it answered, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it did not serve; none when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Code>,
    /// How long it took, milliseconds.
    pub ms: u32,
}

/// Who served the call in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The provider's configured name.
    pub provider: String,
    /// The model's name there.
    pub model: String,
}

/// What the call cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charged {
    /// In billionths of the installation's currency.
    pub amount: Money,
    /// The version of the price list that gave it.
    pub version: String,
}

/// Whether the answer came from a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cached {
    /// It did not.
    #[default]
    Miss,
    /// The same request was answered before.
    Exact,
    /// A request of the same meaning was.
    Semantic,
}

impl Cached {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Miss => "miss",
            Self::Exact => "exact",
            Self::Semantic => "semantic",
        }
    }
}

/// A rule that found something. Never the text that it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// What was done: `block`, `mask`, `rewrite`, `warn`, `review`.
    pub action: String,
    /// Found in the answer, not in the question.
    #[serde(default, skip_serializing_if = "is_default")]
    pub output: bool,
    /// How often.
    pub count: u32,
}

/// The texts of a call, as far as the policy keeps them. Made by [`capture`](crate::capture).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// What was sent, usually JSON.
    pub request: String,
    /// What was answered.
    pub response: String,
    /// Personal data was removed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub redacted: bool,
    /// An end was cut off, because it was longer than the policy keeps.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut: bool,
}

/// One call or act. Fields that are empty take no room on the disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What reply, trace and log line have in common.
    pub call: CallId,
    /// When it began, milliseconds since 1970.
    pub time_ms: i64,
    /// What it is about.
    pub kind: Kind,
    /// Whose; none when the caller was not recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// The tenant's project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The person or service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The key's public id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// The application that was addressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The model that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// Who served it; none when nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Served>,
    /// The named route that chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Every provider that was tried, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub outcome: Outcome,
    /// The HTTP status that the caller got; 0 where there was none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub status: u16,
    /// Answered as a stream.
    #[serde(default, skip_serializing_if = "is_default")]
    pub streamed: bool,
    /// From the first byte in to the last byte out, milliseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub total_ms: u32,
    /// Until the first token, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u32>,
    /// Tokens.
    #[serde(default, skip_serializing_if = "is_default")]
    pub usage: Usage,
    /// Money; none when the model has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charged>,
    /// Whether the answer came from a cache.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cache: Cached,
    /// Served by another model than the route's first choice.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fallback: bool,
    /// What rules found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The caller's network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the caller's program calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// SHA-256 of the request as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_sha256: Option<Hash>,
    /// SHA-256 of the answer as it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_sha256: Option<Hash>,
    /// The texts. They are kept beside the chain, which holds their MAC.
    #[serde(skip)]
    pub payload: Option<Payload>,
    /// Anything else that is worth keeping.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Record {
    /// A record of this kind with everything else empty.
    pub fn new(call: CallId, time_ms: i64, kind: Kind) -> Self {
        Self {
            call,
            time_ms,
            kind,
            tenant: None,
            project: None,
            user: None,
            key: None,
            app: None,
            model: None,
            served: None,
            route: None,
            attempts: Vec::new(),
            outcome: Outcome::Ok,
            status: 0,
            streamed: false,
            total_ms: 0,
            first_token_ms: None,
            usage: Usage::default(),
            charge: None,
            cache: Cached::Miss,
            fallback: false,
            findings: Vec::new(),
            address: None,
            user_agent: None,
            request_sha256: None,
            response_sha256: None,
            payload: None,
            extra: Map::new(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
