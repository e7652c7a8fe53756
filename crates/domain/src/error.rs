//! The one table of errors that a user can see.
//!
//! It does not know how an error travels: `server` turns it into HTTP, `app` into an exit code.

use crate::ReviewId;
use std::fmt;
use std::time::Duration;

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! error_codes {
    ($( $(#[doc = $doc:literal])* $variant:ident = $code:literal, $status:literal, $kind:literal; )*) => {
        /// What went wrong, as a stable word that programs may match on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $( $(#[doc = $doc])* $variant, )* }

        impl ErrorCode {
            /// Every code there is, for documentation and tests.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $code,)* }
            }

            /// The HTTP status that carries it.
            pub const fn status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* }
            }

            /// OpenAI's `type` of the error.
            pub const fn kind(self) -> &'static str {
                match self { $(ErrorCode::$variant => $kind,)* }
            }

            /// The code whose word this is.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($code => Some(ErrorCode::$variant),)* _ => None }
            }
        }
    };
}

error_codes! {
    /// The request is not of the form that the route takes.
    InvalidRequest = "invalid_request", 400, "invalid_request_error";
    /// Prompt and answer together do not fit the model's context.
    ContextLengthExceeded = "context_length_exceeded", 400, "invalid_request_error";
    /// No key, or one that nobody issued.
    InvalidApiKey = "invalid_api_key", 401, "authentication_error";
    /// The key may not do this.
    PermissionDenied = "permission_denied", 403, "permission_error";
    /// No such thing, or none that the caller may see.
    NotFound = "not_found", 404, "invalid_request_error";
    /// No model, knowledge base or application of that name.
    ModelNotFound = "model_not_found", 404, "invalid_request_error";
    /// The route exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, "invalid_request_error";
    /// The request's body came too slowly or stopped coming; send it again.
    RequestTimeout = "request_timeout", 408, "invalid_request_error";
    /// Something of that name is there already, or changed meanwhile.
    Conflict = "conflict", 409, "invalid_request_error";
    /// More bytes than the route takes.
    TooLarge = "request_too_large", 413, "invalid_request_error";
    /// A file that cannot be turned into text; the message says why.
    UnreadableDocument = "unreadable_document", 422, "invalid_request_error";
    /// A limit of requests or tokens is reached; retry later.
    RateLimited = "rate_limit_exceeded", 429, "rate_limit_error";
    /// The money or tokens that were set aside for this caller are used up.
    BudgetExceeded = "insufficient_quota", 429, "insufficient_quota";
    /// A rule forbids this content.
    ContentBlocked = "content_filter", 400, "invalid_request_error";
    /// A rule wants a person to look at it first; the error names the review to ask for.
    HeldForReview = "held_for_review", 403, "permission_error";
    /// The approval has let its one call pass; ask without it, to have the request held for a new one.
    ApprovalUsed = "approval_used", 403, "permission_error";
    /// A provider failed, or cannot be reached.
    ProviderFailed = "provider_error", 502, "server_error";
    /// Every place in the queue is taken; retry later.
    Overloaded = "overloaded", 503, "server_error";
    /// A model file is missing or not what the catalogue says; pull it.
    ModelUnavailable = "model_unavailable", 503, "server_error";
    /// A worker process died; the call may be repeated.
    WorkerFailed = "worker_failed", 503, "server_error";
    /// The caller went away or interrupted the work.
    Cancelled = "cancelled", 499, "server_error";
    /// Took longer than allowed.
    Timeout = "timeout", 504, "server_error";
    /// The configuration or an application's file is wrong.
    InvalidConfig = "invalid_config", 400, "invalid_request_error";
    /// A disk, database or socket failed.
    Io = "io_error", 500, "server_error";
    /// A fault of the program; please report it.
    Internal = "internal_error", 500, "server_error";
}

/// An error that a user can see: a code of the table, a clear sentence that says what to do,
/// and the parameter that it is about, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    message: String,
    parameter: Option<String>,
    /// Milliseconds.
    retry_after: Option<u64>,
    /// Not sent between processes: only the gateway's own errors have one.
    review: Option<ReviewId>,
}

impl Error {
    /// An error with its sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), parameter: None, retry_after: None, review: None }
    }

    /// The request is wrong in `parameter` (a JSON path such as `messages[0].role`).
    pub fn invalid(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message).at(parameter)
    }

    /// There is no `what` of that name.
    pub fn not_found(what: &str, name: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no {what} '{name}'."))
    }

    /// Doing `what` failed in the operating system or a library beneath.
    pub fn io(what: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::new(ErrorCode::Io, format!("{what}: {cause}"))
    }

    /// A fault of the program.
    pub fn internal(what: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, what)
    }

    /// The same error, about `parameter`.
    pub fn at(mut self, parameter: impl Into<String>) -> Self {
        self.parameter = Some(parameter.into());
        self
    }

    /// The same error, worth repeating after this time.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// The same error, about something that a person decides on.
    pub fn under_review(mut self, review: ReviewId) -> Self {
        self.review = Some(review);
        self
    }

    /// The same error, its sentence preceded by `context: `.
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// After how long the call may be repeated with some hope, where that is known.
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after.map(Duration::from_millis)
    }

    /// What a person decides on, or has decided on, if it is about that.
    pub fn review(&self) -> Option<&ReviewId> {
        self.review.as_ref()
    }

    /// The parameter that it is about.
    pub fn parameter(&self) -> Option<&str> {
        self.parameter.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl serde::Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        (self.code.as_str(), &self.message, &self.parameter, self.retry_after).serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Error {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let (code, message, parameter, retry_after) =
            <(String, String, Option<String>, Option<u64>)>::deserialize(deserializer)?;
        let code = ErrorCode::parse(&code).unwrap_or(ErrorCode::Internal);
        Ok(Self { code, message, parameter, retry_after, review: None })
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
