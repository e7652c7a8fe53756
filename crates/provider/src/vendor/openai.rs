//! OpenAI.

use super::{Vendor, rename, strip_messages};
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

    /// `max_tokens` is deprecated, and reasoning models refuse it. Fields of messages that OpenAI does not know
    /// are refused too; these two come from earlier turns at other vendors.
    fn adapt_chat(&self, body: &mut Fields) {
        strip_messages(body, &["reasoning_content", "cache_control"]);
        rename(body, "max_tokens", "max_completion_tokens");
    }

    fn most_texts(&self) -> usize {
        2048
    }

    fn code_of(&self, error: &VendorError) -> Option<ErrorCode> {
        // It comes with 429, and waiting does not help.
        error.is("insufficient_quota").then_some(ErrorCode::ProviderFailed)
    }
}
