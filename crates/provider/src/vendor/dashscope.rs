//! DashScope, also called Bailian and Model Studio: Qwen and others.

use super::{Score, Vendor, read_scores, rename, take_effort};
use serde_json::{Value, json};
use yizhan_dialect::VendorError;
use yizhan_domain::{ErrorCode, Fields};

pub(crate) struct DashScope;

impl Vendor for DashScope {
    fn base_url(&self) -> Option<&'static str> {
        Some("https://dashscope.aliyuncs.com/compatible-mode/v1")
    }

    /// Rerankers have a route and a form of their own, beside the compatible one.
    fn rerank_url(&self, base: &str) -> Option<String> {
        let host = base.strip_suffix("/compatible-mode/v1").unwrap_or(base);
        Some(format!("{host}/api/v1/services/rerank/text-rerank/text-rerank"))
    }

    fn adapt_chat(&self, body: &mut Fields) {
        rename(body, "repeat_penalty", "repetition_penalty");
        if let Some(thinks) = take_effort(body) {
            body.entry("enable_thinking").or_insert(json!(thinks));
        }
    }

    fn most_texts(&self) -> usize {
        10
    }

    fn most_passages(&self) -> usize {
        100
    }

    fn rerank_body(&self, model: &str, query: &str, passages: &[String]) -> Value {
        json!({
            "model": model,
            "input": {"query": query, "documents": passages},
            "parameters": {"top_n": passages.len(), "return_documents": false},
        })
    }

    fn scores(&self, reply: &Value) -> Option<Vec<Score>> {
        read_scores(reply.get("output")?.get("results")?)
    }

    fn code_of(&self, error: &VendorError) -> Option<ErrorCode> {
        match error.code.as_str() {
            "data_inspection_failed" | "DataInspectionFailed" => Some(ErrorCode::ContentBlocked),
            "Arrearage" | "AllocationQuota.FreeTierOnly" => Some(ErrorCode::ProviderFailed),
            "Throttling"
            | "Throttling.RateQuota"
            | "Throttling.AllocationQuota"
            | "LimitRequests"
            | "limit_requests" => Some(ErrorCode::RateLimited),
            _ => None,
        }
    }
}
