//! What metrics and traces need to know of one call.
//!
//! It does not know the audit's record, which whoever assembles the house turns into these.

use yizhan_domain::{Money, Usage};

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// An answer to a conversation.
    #[default]
    Chat,
    /// Vectors.
    Embedding,
    /// Scores of passages.
    Rerank,
    /// What the rules find.
    Moderation,
    /// Passages of a knowledge base.
    Search,
    /// Anything else: files, lists.
    Other,
}

impl CallKind {
    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
            Self::Rerank => "rerank",
            Self::Moderation => "moderation",
            Self::Search => "search",
            Self::Other => "other",
        }
    }

    /// OpenTelemetry's `gen_ai.operation.name`. The conventions have no word for the last ones.
    pub(crate) const fn operation(self) -> &'static str {
        match self {
            Self::Embedding => "embeddings",
            other => other.as_str(),
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CallOutcome {
    /// As asked.
    #[default]
    Ok,
    /// Refused before a model was asked.
    Refused,
    /// A rule blocked it.
    Blocked,
    /// A rule holds it until a person has decided.
    Held,
    /// The caller went away.
    Cancelled,
    /// A budget ended during the answer.
    CutOff,
    /// It failed.
    Failed,
}

impl CallOutcome {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Ok, Self::Refused, Self::Blocked, Self::Held, Self::Cancelled, Self::CutOff, Self::Failed];

    /// The word in metrics, the same as in audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Blocked => "blocked",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
            Self::CutOff => "cut_off",
            Self::Failed => "failed",
        }
    }

    /// The outcome of that word; an unknown one counts as failed.
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word).unwrap_or(Self::Failed)
    }
}

/// A call that ended. Empty texts stand for none.
#[derive(Clone, Debug, Default)]
pub struct CallFacts<'a> {
    /// Its id.
    pub call: &'a str,
    /// When it began, milliseconds since 1970.
    pub time_ms: i64,
    /// What was asked for.
    pub kind: CallKind,
    /// Whose call.
    pub tenant: &'a str,
    /// The application that was addressed.
    pub app: &'a str,
    /// The named route that chose.
    pub route: &'a str,
    /// The model that was asked for.
    pub model: &'a str,
    /// The provider that served.
    pub provider: &'a str,
    /// The model that served there.
    pub served: &'a str,
    /// How it ended.
    pub outcome: CallOutcome,
    /// The error's code, where there was one.
    pub code: &'a str,
    /// Which limit refused it, such as `money_per_day`. Empty: it follows from the code.
    pub limit: &'a str,
    /// The HTTP status; 0 where there was none.
    pub status: u16,
    /// Answered as a stream.
    pub streamed: bool,
    /// From the first byte in to the last byte out, milliseconds.
    pub total_ms: u32,
    /// Until the first token, milliseconds.
    pub first_token_ms: Option<u32>,
    /// Tokens.
    pub usage: Usage,
    /// Money; none when the model has no price.
    pub charge: Option<Money>,
    /// `exact`, `semantic` or `miss`; empty when no cache was asked.
    pub cache: &'a str,
    /// Served by another model than the first choice.
    pub fallback: bool,
    /// Every provider that was tried, in order.
    pub attempts: Vec<AttemptFacts<'a>>,
    /// What rules found.
    pub findings: Vec<FindingFacts<'a>>,
}

/// One provider that was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptFacts<'a> {
    /// Its configured name.
    pub provider: &'a str,
    /// The model's name there.
    pub model: &'a str,
    /// The error's code; empty when it answered.
    pub error: &'a str,
    /// The HTTP status that it answered, if it did.
    pub status: Option<u16>,
    /// Until its first content or its failure, milliseconds.
    pub ms: u32,
}

/// A rule that found something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FindingFacts<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// What was done.
    pub action: &'a str,
    /// Found in the answer, not in the question.
    pub output: bool,
    /// How often.
    pub count: u32,
}
