//! What went wrong upstream, in the words of the one table.
//!
//! A caller is told what the provider said, but never another's secrets: where the provider rejects our own key or
//! account, that is the operator's business and its text stays out.

use crate::sse::SseFault;
use crate::vendor::Vendor;
use http::{HeaderMap, StatusCode};
use std::time::{Duration, SystemTime};
use yizhan_dialect::{AnswerFault, VendorError};
use yizhan_domain::{Error, ErrorCode};

/// Most characters of a provider's sentence that are passed on.
const MOST_CHARS: usize = 500;

/// Longest pause that a provider is believed.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// A step of a call.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// A call that failed.
#[derive(Debug)]
pub(crate) struct Failure(Box<What>);

#[derive(Debug)]
pub(crate) enum What {
    /// No connection, or it broke; the text says how.
    Unreachable(String),
    /// Nothing came for so many seconds.
    Silent(f64),
    /// The answer was not whole after so many seconds.
    TooSlow(f64),
    /// It said no.
    Refused { status: StatusCode, wait: Option<Duration>, error: Option<VendorError> },
    /// It failed after it had said yes.
    Broken(VendorError),
    /// What came was no answer.
    Malformed(String),
}

impl From<What> for Failure {
    fn from(what: What) -> Self {
        Self(Box::new(what))
    }
}

impl From<AnswerFault> for Failure {
    fn from(fault: AnswerFault) -> Self {
        match fault {
            AnswerFault::Vendor(error) => What::Broken(error).into(),
            AnswerFault::Malformed(how) => What::Malformed(how).into(),
        }
    }
}

impl From<SseFault> for Failure {
    fn from(fault: SseFault) -> Self {
        What::Malformed(fault.to_string()).into()
    }
}

impl Failure {
    pub(crate) fn unreachable(error: &(dyn std::error::Error + 'static)) -> Self {
        What::Unreachable(innermost(error)).into()
    }

    pub(crate) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        What::Refused { status, wait: pause(headers), error: VendorError::read(body) }.into()
    }

    /// Its status and the pause that it asks for, where an answer came and said no.
    pub(crate) fn refusal(&self) -> Option<(u16, Option<Duration>)> {
        match &*self.0 {
            What::Refused { status, wait, .. } => Some((status.as_u16(), *wait)),
            _ => None,
        }
    }

    /// Did it say no with one of these?
    pub(crate) fn has_status(&self, wanted: &[StatusCode]) -> bool {
        matches!(&*self.0, What::Refused { status, .. } if wanted.contains(status))
    }

    /// The error that a user sees.
    pub(crate) fn tell(self, provider: &str, vendor: &dyn Vendor) -> Error {
        match *self.0 {
            What::Unreachable(how) => failed(format!("The provider '{provider}' cannot be reached: {how}.")),
            What::Silent(seconds) => {
                late(format!("The provider '{provider}' sent nothing for {seconds} s; try again."))
            }
            What::TooSlow(seconds) => late(format!(
                "The provider '{provider}' was not done after {seconds} s; ask for less, or let 'timeouts.total' be raised."
            )),
            What::Malformed(how) => failed(format!("The provider '{provider}' sent something unreadable: {how}.")),
            What::Broken(error) => {
                let code = vendor.code_of(&error).or_else(|| code_of_words(&error));
                explain(provider, code.unwrap_or(ErrorCode::ProviderFailed), Some(&error), None)
            }
            What::Refused { status, wait, error } => {
                let own = error.as_ref().and_then(|error| vendor.code_of(error).or_else(|| code_of_words(error)));
                explain(provider, own.unwrap_or_else(|| code_of_status(status)), error.as_ref(), Some((status, wait)))
            }
        }
    }
}

fn late(message: String) -> Error {
    Error::new(ErrorCode::Timeout, message)
}

fn failed(message: String) -> Error {
    Error::new(ErrorCode::ProviderFailed, message)
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Words that most vendors use in one meaning.
fn code_of_words(error: &VendorError) -> Option<ErrorCode> {
    let words = [error.code.as_str(), error.kind.as_str()];
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    if has(&["context_length_exceeded"]) || says_too_long(&error.message) {
        return Some(ErrorCode::ContextLengthExceeded);
    }
    if has(&["content_filter", "content_policy_violation", "contentFilter"]) {
        return Some(ErrorCode::ContentBlocked);
    }
    if has(&["rate_limit_exceeded", "rate_limit_error", "rate_limit_reached_error"]) {
        return Some(ErrorCode::RateLimited);
    }
    None
}

/// Not all have a code for it.
fn says_too_long(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let known = ["maximum context length", "prompt is too long", "range of input length", "exceed context limit"];
    known.iter().any(|words| message.contains(words))
}

fn code_of_status(status: StatusCode) -> ErrorCode {
    match status.as_u16() {
        400 | 422 => ErrorCode::InvalidRequest,
        408 | 504 => ErrorCode::Timeout,
        413 => ErrorCode::TooLarge,
        429 => ErrorCode::RateLimited,
        503 | 529 => ErrorCode::Overloaded,
        // Key, account, model name, redirects: nothing that the caller could mend.
        _ => ErrorCode::ProviderFailed,
    }
}

fn explain(
    provider: &str,
    code: ErrorCode,
    error: Option<&VendorError>,
    head: Option<(StatusCode, Option<Duration>)>,
) -> Error {
    let said = error.map(|error| shorten(&error.message)).filter(|said| !said.is_empty());
    let said = said.map_or(String::new(), |said| format!(": {said}"));
    let status = head.map(|(status, _)| status.as_u16());
    let answered = status.map_or_else(|| "broke off".to_owned(), |status| format!("answered {status}"));
    let message = match (code, status) {
        (ErrorCode::ProviderFailed, Some(401 | 403)) => format!(
            "The provider '{provider}' rejects its key (status {}); the operator must check 'key' in its configuration.",
            status.unwrap_or_default()
        ),
        (ErrorCode::ProviderFailed, Some(402)) => {
            format!("The account at the provider '{provider}' is used up; the operator must top it up.")
        }
        (ErrorCode::ProviderFailed, Some(300..=399)) => {
            format!("The provider '{provider}' redirects elsewhere; the operator must check 'base_url'.")
        }
        (ErrorCode::ProviderFailed, Some(404)) => format!(
            "The provider '{provider}' does not know this model or route; the operator must check 'upstream' and 'base_url'{said}."
        ),
        (ErrorCode::RateLimited | ErrorCode::Overloaded, _) => {
            format!("The provider '{provider}' takes no more calls for now, try again later{said}.")
        }
        _ => format!("The provider '{provider}' {answered}{said}."),
    };
    let mut told = Error::new(code, message);
    if let Some(parameter) = error.and_then(|error| error.parameter.as_deref()) {
        told = told.at(parameter);
    }
    match head.and_then(|(_, wait)| wait) {
        Some(wait) if matches!(code, ErrorCode::RateLimited | ErrorCode::Overloaded) => told.retry_after(wait),
        _ => told,
    }
}

fn shorten(text: &str) -> String {
    // Our own sentence goes on after it.
    let text = text.trim().trim_end_matches(['.', '。']);
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// When to come back, from the first header of these that says so.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = || Some(Duration::from_millis(text("retry-after-ms")?.parse().ok()?));
    let after = || {
        let value = text("retry-after")?;
        seconds_of(value).or_else(|| {
            let at = httpdate::parse_http_date(value).ok()?;
            Some(at.duration_since(SystemTime::now()).unwrap_or_default())
        })
    };
    // OpenAI's, of the limit that is used up.
    let reset = |what: &str| {
        let left = text(&format!("x-ratelimit-remaining-{what}"))?;
        if left == "0" { span(text(&format!("x-ratelimit-reset-{what}"))?) } else { None }
    };
    let wait = milliseconds().or_else(after).or_else(|| reset("requests")).or_else(|| reset("tokens"))?;
    Some(wait.min(LONGEST_PAUSE))
}

fn seconds_of(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

/// A span such as `6m0s`, `1.5s` or `20ms`; a bare number is seconds.
fn span(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let letters = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        total += number
            * match &after[..letters] {
                "ms" => 0.001,
                "s" | "" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &after[letters..];
    }
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
