//! Zhipu: GLM.

use super::{Vendor, rename, switch_thinking};
use yizhan_dialect::VendorError;
use yizhan_domain::{ErrorCode, Fields};

pub(crate) struct Zhipu;

impl Vendor for Zhipu {
    fn base_url(&self) -> Option<&'static str> {
        Some("https://open.bigmodel.cn/api/paas/v4")
    }

    fn adapt_chat(&self, body: &mut Fields) {
        rename(body, "user", "user_id");
        // The usage comes unasked, with the last chunk.
        body.shift_remove("stream_options");
        switch_thinking(body);
    }

    /// Numbers in place of words: 11xx the account, 13xx limits and rules.
    fn code_of(&self, error: &VendorError) -> Option<ErrorCode> {
        match error.code.as_str() {
            "1261" => Some(ErrorCode::ContextLengthExceeded),
            "1301" => Some(ErrorCode::ContentBlocked),
            "1302" | "1303" | "1308" => Some(ErrorCode::RateLimited),
            "1305" | "1312" => Some(ErrorCode::Overloaded),
            "1110" | "1111" | "1112" | "1113" | "1121" | "1304" | "1309" => Some(ErrorCode::ProviderFailed),
            _ => None,
        }
    }
}
