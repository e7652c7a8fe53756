//! Anthropic.

use super::{Vendor, Wire};
use crate::Secret;
use yizhan_dialect::VendorError;
use yizhan_domain::ErrorCode;

pub(crate) struct Anthropic;

impl Vendor for Anthropic {
    fn base_url(&self) -> Option<&'static str> {
        Some("https://api.anthropic.com/v1")
    }

    fn wire(&self) -> Wire {
        Wire::Anthropic
    }

    fn chat_path(&self) -> &'static str {
        "/messages"
    }

    fn rerank_url(&self, _base: &str) -> Option<String> {
        None
    }

    fn key_header(&self, key: &Secret) -> (&'static str, String) {
        ("x-api-key", key.expose().to_owned())
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    /// Errors in the middle of a stream have no status.
    fn code_of(&self, error: &VendorError) -> Option<ErrorCode> {
        match error.kind.as_str() {
            "overloaded_error" => Some(ErrorCode::Overloaded),
            "rate_limit_error" => Some(ErrorCode::RateLimited),
            "timeout_error" => Some(ErrorCode::Timeout),
            "request_too_large" => Some(ErrorCode::TooLarge),
            "billing_error" => Some(ErrorCode::ProviderFailed),
            _ => None,
        }
    }
}
