//! OpenAI.

use super::{Vendor, rename};
use yizhan_dialect::VendorError;
use yizhan_domain::{ErrorCode, Fields};

pub(crate) struct OpenAi;

impl Vendor for OpenAi {
    fn base_url(&self) -> Option<&'static str> {
        Some("https://api.openai.com/v1")
    }

    fn rerank_url(&self, _base: &str) -> Option<String> {
        None
    }

    /// `max_tokens` is deprecated, and reasoning models refuse it.
    fn adapt_chat(&self, body: &mut Fields) {
        rename(body, "max_tokens", "max_completion_tokens");
    }

    /// It refuses fields that it does not know.
    fn refused_in_messages(&self) -> &'static [&'static str] {
        &["reasoning_content", "cache_control"]
    }

    fn most_texts(&self) -> usize {
        2048
    }

    fn code_of(&self, error: &VendorError) -> Option<ErrorCode> {
        // It comes with 429, and waiting does not help.
        error.is("insufficient_quota").then_some(ErrorCode::ProviderFailed)
    }
}
