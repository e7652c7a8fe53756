//! What one vendor does otherwise than OpenAI: small hooks, nearly all with a default.
//!
//! A vendor is one file here and a line in [`of`]. It knows neither HTTP clients nor streams. Words in answers on
//! which vendors do not contradict each other (usage fields, reasons of an end) are all known to `dialect`.

mod anthropic;
mod compatible;
mod dashscope;
mod deepseek;
mod moonshot;
mod ollama;
mod openai;
mod siliconflow;
mod vllm;
mod zhipu;

use crate::{Secret, VendorName};
use serde_json::{Value, json};
use yizhan_dialect::VendorError;
use yizhan_domain::{ErrorCode, Fields};

/// Which protocol the chat route speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    OpenAi,
    Anthropic,
}

/// A score of a passage, by its place in the request.
pub(crate) type Score = (usize, f32);

pub(crate) trait Vendor: Send + Sync {
    /// Where its servers are; none for servers of one's own.
    fn base_url(&self) -> Option<&'static str> {
        None
    }

    fn needs_key(&self) -> bool {
        self.base_url().is_some()
    }

    fn wire(&self) -> Wire {
        Wire::OpenAi
    }

    fn chat_path(&self) -> &'static str {
        "/chat/completions"
    }

    /// None: it has no rerankers.
    fn rerank_url(&self, base: &str) -> Option<String> {
        Some(format!("{base}/rerank"))
    }

    /// The header that carries the key.
    fn key_header(&self, key: &Secret) -> (&'static str, String) {
        ("authorization", format!("Bearer {}", key.expose()))
    }

    /// Headers that it always wants.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Renames and switches of a chat request, which is in OpenAI's form; without its messages.
    fn adapt_chat(&self, _body: &mut Fields) {}

    /// Fields of messages and of their parts that it refuses: those with which an earlier turn at another vendor was
    /// marked.
    fn refused_in_messages(&self) -> &'static [&'static str] {
        &[]
    }

    /// Most texts of one request for embeddings.
    fn most_texts(&self) -> usize {
        64
    }

    /// Most passages of one request for scores.
    fn most_passages(&self) -> usize {
        128
    }

    /// A request for scores: Jina's and Cohere's form.
    fn rerank_body(&self, model: &str, query: &str, passages: &[String]) -> Value {
        let count = passages.len();
        json!({"model": model, "query": query, "documents": passages, "top_n": count, "return_documents": false})
    }

    /// The scores of a reply in the form that goes with it.
    fn scores(&self, reply: &Value) -> Option<Vec<Score>> {
        read_scores(reply.get("results")?)
    }

    /// What an error of its own words means here; none: the status decides.
    fn code_of(&self, _error: &VendorError) -> Option<ErrorCode> {
        None
    }
}

fn read_scores(results: &Value) -> Option<Vec<Score>> {
    let score = |result: &Value| {
        let index = usize::try_from(result.get("index")?.as_u64()?).ok()?;
        Some((index, result.get("relevance_score")?.as_f64()? as f32))
    };
    results.as_array()?.iter().map(score).collect()
}

/// The hooks of a vendor.
pub(crate) fn of(name: VendorName) -> &'static dyn Vendor {
    match name {
        VendorName::OpenAi => &openai::OpenAi,
        VendorName::DeepSeek => &deepseek::DeepSeek,
        VendorName::DashScope => &dashscope::DashScope,
        VendorName::Moonshot => &moonshot::Moonshot,
        VendorName::Zhipu => &zhipu::Zhipu,
        VendorName::SiliconFlow => &siliconflow::SiliconFlow,
        VendorName::VLlm => &vllm::VLlm,
        VendorName::Ollama => &ollama::Ollama,
        VendorName::Compatible => &compatible::Compatible,
        VendorName::Anthropic => &anthropic::Anthropic,
    }
}

/// Gives a field another name, unless that one is there.
fn rename(body: &mut Fields, from: &str, to: &str) {
    if let Some(value) = body.shift_remove(from) {
        body.entry(to).or_insert(value);
    }
}

/// Takes out OpenAI's `reasoning_effort`. Is the model to think?
fn take_effort(body: &mut Fields) -> Option<bool> {
    let effort = body.shift_remove("reasoning_effort")?;
    Some(effort != "none")
}

/// `thinking: {"type": "enabled" | "disabled"}` in place of `reasoning_effort`, for vendors that only switch.
fn switch_thinking(body: &mut Fields) {
    if let Some(thinks) = take_effort(body) {
        let kind = if thinks { "enabled" } else { "disabled" };
        body.entry("thinking").or_insert_with(|| json!({"type": kind}));
    }
}

#[cfg(test)]
#[path = "vendor_tests.rs"]
mod tests;
