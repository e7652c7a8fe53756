//! What was asked and answered, for the audit: digests, or the texts themselves, as the policy says.
//!
//! It does not know where they are kept, or for how long.

use crate::policy::Policy;
use yizhan_audit::{Capture, Captured, Record, capture};
use yizhan_guard::Side;
use yizhan_model::{ChatEvent, ChatRequest};

/// Most bytes of an answer that are looked at, and of each text that is kept.
const MOST: usize = 1 << 20;

/// The texts of one call.
pub(crate) struct Texts {
    request: String,
    answer: String,
}

impl Texts {
    /// None, when the policy wants nothing of them.
    pub(crate) fn of(policy: &Policy, request: &ChatRequest) -> Option<Self> {
        if policy.capture == Capture::None {
            return None;
        }
        // Strings, numbers and lists: this cannot fail.
        Some(Self { request: serde_json::to_string(request).unwrap_or_default(), answer: String::new() })
    }

    /// More of the answer, as the caller gets it.
    pub(crate) fn take(&mut self, event: &ChatEvent) {
        let text = match event {
            ChatEvent::Text { delta, .. } | ChatEvent::Reasoning { delta, .. } => delta,
            ChatEvent::ToolCall { piece, .. } => &piece.arguments,
            _ => return,
        };
        if self.answer.len() + text.len() <= MOST {
            self.answer.push_str(text);
        }
    }

    /// Puts into the record what the policy keeps. Redacted is what the rules mask; without rules nothing
    /// can be, and no text is kept.
    pub(crate) fn keep(self, policy: &Policy, record: &mut Record) {
        let redact = |text: &str| match &policy.guard {
            Some(guard) => guard.check_text(text, Side::Output).text,
            None => String::new(),
        };
        let Captured { request_sha256, response_sha256, payload } =
            capture(policy.capture, &self.request, &self.answer, MOST, redact);
        record.request_sha256 = request_sha256;
        record.response_sha256 = response_sha256;
        record.payload = payload;
    }
}
