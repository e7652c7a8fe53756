//! Ollama's compatible route.

use super::Vendor;

pub(crate) struct Ollama;

impl Vendor for Ollama {
    fn base_url(&self) -> Option<&'static str> {
        Some("http://127.0.0.1:11434/v1")
    }

    fn needs_key(&self) -> bool {
        false
    }

    fn rerank_url(&self, _base: &str) -> Option<String> {
        None
    }
}
