//! Moonshot: Kimi.

use super::{Vendor, switch_thinking};
use yizhan_dialect::VendorError;
use yizhan_domain::{ErrorCode, Fields};

pub(crate) struct Moonshot;

impl Vendor for Moonshot {
    fn base_url(&self) -> Option<&'static str> {
        Some("https://api.moonshot.cn/v1")
    }

    fn rerank_url(&self, _base: &str) -> Option<String> {
        None
    }

    fn adapt_chat(&self, body: &mut Fields) {
        switch_thinking(body);
    }

    fn code_of(&self, error: &VendorError) -> Option<ErrorCode> {
        match error.kind.as_str() {
            "exceeded_current_quota_error" => Some(ErrorCode::ProviderFailed),
            "engine_overloaded_error" => Some(ErrorCode::Overloaded),
            "content_filter" => Some(ErrorCode::ContentBlocked),
            _ => None,
        }
    }
}
