//! The blocks, citations and usage of an answer, as Anthropic writes them.
//!
//! It does not know whether the answer is streamed.

use crate::blocks::{Block, Kind};
use crate::object::boxes;
use serde_json::{Value, json};
use yizhan_domain::{Citation, Usage};

/// A whole block.
pub(super) fn write_block(block: &Block) -> Value {
    let Block { kind, text, seal, citations, foreign, .. } = block;
    match kind {
        Kind::Text | Kind::Refusal => {
            let mut value = json!({"type": "text", "text": text});
            if !citations.is_empty() || !foreign.is_empty() {
                value["citations"] = foreign.iter().cloned().chain(citations.iter().map(write_citation)).collect();
            }
            value
        }
        Kind::Reasoning => json!({"type": "thinking", "thinking": text, "signature": signature(seal.as_ref())}),
        Kind::Call { .. } => {
            let mut value = write_head(kind);
            value["input"] = read_arguments(text);
            value
        }
        Kind::Opaque(value) => value.clone(),
    }
}

/// A block as it begins, empty.
pub(super) fn write_head(kind: &Kind) -> Value {
    match kind {
        Kind::Text | Kind::Refusal => json!({"type": "text", "text": ""}),
        Kind::Reasoning => json!({"type": "thinking", "thinking": "", "signature": ""}),
        Kind::Call { id, name, extra } => {
            let mut value = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
            if let Some(caller) = extra.get("caller") {
                value["caller"] = caller.clone();
            }
            value
        }
        Kind::Opaque(value) => value.clone(),
    }
}

/// Anthropic's proof that it wrote the reasoning; empty if nobody gave one.
pub(super) fn signature(seal: Option<&Value>) -> &str {
    seal.and_then(|seal| seal["signature"].as_str()).unwrap_or_default()
}

/// Anthropic's clients want an object. What a model wrote that is none is handed on as text, to be judged there.
fn read_arguments(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        _ if text.trim().is_empty() => json!({}),
        _ => json!({"raw_arguments": text}),
    }
}

/// A page where there is one. Anthropic counts documents from 0, pages from 1, and ends one behind the last.
pub(super) fn write_citation(citation: &Citation) -> Value {
    let Citation { index, file_id, filename, page, quote, boxes: rects } = citation;
    let position = index.saturating_sub(1);
    let mut value = match page {
        Some(page) => json!({
            "type": "page_location",
            "cited_text": quote,
            "document_index": position,
            "document_title": filename,
            "file_id": file_id,
            "start_page_number": page,
            "end_page_number": page.saturating_add(1),
        }),
        None => json!({
            "type": "search_result_location",
            "cited_text": quote,
            "search_result_index": position,
            "source": file_id,
            "title": filename,
            "start_block_index": 0,
            "end_block_index": 1,
        }),
    };
    value["index"] = json!(index);
    value["boxes"] = boxes(rects);
    value
}

/// `usage`: Anthropic's `input_tokens` are those that no cache held.
pub(super) fn write_usage(usage: &Usage) -> Value {
    let cached = usage.cached_tokens.saturating_add(usage.cache_write_tokens);
    let mut value = json!({
        "input_tokens": usage.prompt_tokens.saturating_sub(cached),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
    });
    if usage.reasoning_tokens > 0 {
        value["output_tokens_details"] = json!({"thinking_tokens": usage.reasoning_tokens});
    }
    value
}
