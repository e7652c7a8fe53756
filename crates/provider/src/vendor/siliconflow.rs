//! SiliconFlow.

use super::{Vendor, rename, take_effort};
use serde_json::json;
use yizhan_dialect::VendorError;
use yizhan_domain::{ErrorCode, Fields};

pub(crate) struct SiliconFlow;

impl Vendor for SiliconFlow {
    fn base_url(&self) -> Option<&'static str> {
        Some("https://api.siliconflow.cn/v1")
    }

    fn adapt_chat(&self, body: &mut Fields) {
        rename(body, "repeat_penalty", "repetition_penalty");
        if let Some(thinks) = take_effort(body) {
            body.entry("enable_thinking").or_insert(json!(thinks));
        }
    }

    fn most_texts(&self) -> usize {
        32
    }

    fn code_of(&self, error: &VendorError) -> Option<ErrorCode> {
        match error.code.as_str() {
            // No such model there; no money left.
            "20012" | "30001" | "30003" => Some(ErrorCode::ProviderFailed),
            "50505" => Some(ErrorCode::Overloaded),
            _ => None,
        }
    }
}
