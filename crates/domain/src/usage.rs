//! What a call consumed and why it ended.
//!
//! It does not know prices.

use serde::{Deserialize, Serialize};

/// A number of a model's own tokens.
pub type TokenCount = u32;

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub prompt_tokens: TokenCount,
    /// Tokens generated.
    pub completion_tokens: TokenCount,
    /// Tokens of the prompt that were not computed again.
    pub cached_tokens: TokenCount,
    /// Tokens of the prompt that were put into a provider's cache, where it charges for that.
    #[serde(default)]
    pub cache_write_tokens: TokenCount,
    /// Tokens generated that were reasoning; part of `completion_tokens`.
    #[serde(default)]
    pub reasoning_tokens: TokenCount,
}

impl Usage {
    /// Prompt and completion together.
    pub fn total_tokens(&self) -> TokenCount {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended its turn, or a stop sequence was met.
    Stop,
    /// `max_tokens` or the context's end was reached.
    Length,
    /// The model wants tools called.
    ToolCalls,
    /// A rule withheld the rest.
    ContentFilter,
}
