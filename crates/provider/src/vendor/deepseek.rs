//! DeepSeek.

use super::{Vendor, take_effort};
use serde_json::{Value, json};
use yizhan_domain::Fields;

pub(crate) struct DeepSeek;

impl Vendor for DeepSeek {
    fn base_url(&self) -> Option<&'static str> {
        Some("https://api.deepseek.com")
    }

    fn rerank_url(&self, _base: &str) -> Option<String> {
        None
    }

    /// Thinking is switched apart from its effort, of which `high` and `max` are known.
    fn adapt_chat(&self, body: &mut Fields) {
        let effort = body.get("reasoning_effort").and_then(Value::as_str).map(str::to_owned);
        if let Some(thinks) = take_effort(body) {
            let kind = if thinks { "enabled" } else { "disabled" };
            body.entry("thinking").or_insert_with(|| json!({"type": kind}));
            match effort.as_deref() {
                Some("high") => body.insert("reasoning_effort".to_owned(), json!("high")),
                Some("xhigh" | "max") => body.insert("reasoning_effort".to_owned(), json!("max")),
                _ => None,
            };
        }
    }
}
