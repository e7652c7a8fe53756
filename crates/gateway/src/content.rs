//! Texts of a call for its trace, where the installation wants them there: in the JSON of OpenTelemetry's
//! conventions, `gen_ai.input.messages` and `gen_ai.output.messages`.
//!
//! It does not know where traces go.

use crate::policy::Policy;
use serde_json::{Value, json};
use yizhan_domain::{FinishReason, Message};
use yizhan_guard::Side;
use yizhan_model::{ChatEvent, ChatRequest, Sampling};
use yizhan_telemetry::{CallTrace, Content};

/// Most bytes of the texts of each side: collectors refuse bodies of some megabytes, and a batch has many calls.
const MOST: usize = 16 << 10;

/// What was asked.
pub(crate) fn asked(trace: &mut CallTrace, policy: &Policy, request: &ChatRequest) {
    let Sampling { max_tokens, temperature, top_p, .. } = request.sampling;
    trace.asked(max_tokens, temperature, top_p);
    let content = trace.content();
    if content == Content::None {
        return;
    }
    let mut room = MOST;
    let message = |message: &Message| {
        let text = shown(content, policy, Side::Input, &message.content.text(), &mut room);
        json!({"role": message.role.as_str(), "parts": [{"type": "text", "content": text}]})
    };
    let messages: Vec<Value> = request.messages.iter().map(message).collect();
    trace.set_input(Value::Array(messages).to_string());
}

/// The first of the answers, as far as it has come.
pub(crate) struct Said {
    text: String,
    reason: Option<FinishReason>,
}

impl Said {
    /// None, where no texts are wanted.
    pub(crate) fn of(trace: &CallTrace) -> Option<Self> {
        (trace.content() != Content::None).then(|| Self { text: String::new(), reason: None })
    }

    /// More of it, as the caller gets it.
    pub(crate) fn take(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Text { choice: 0, delta } if self.text.len() < MOST => self.text.push_str(delta),
            ChatEvent::Finish { choice: 0, reason, .. } => self.reason = Some(*reason),
            _ => {}
        }
    }

    /// It has ended.
    pub(crate) fn end(self, trace: &mut CallTrace, policy: &Policy) {
        let text = shown(trace.content(), policy, Side::Output, &self.text, &mut { MOST });
        let reason = self.reason.map(reason);
        let said =
            json!([{"role": "assistant", "parts": [{"type": "text", "content": text}], "finish_reason": reason}]);
        trace.set_output(said.to_string());
    }
}

/// As the rules mask it, where only that is wanted; without rules nothing can be masked, and nothing is shown.
fn shown(content: Content, policy: &Policy, side: Side, text: &str, room: &mut usize) -> String {
    let mut text = match (content, &policy.guard) {
        (Content::Full, _) => text.to_owned(),
        (Content::Redacted, Some(guard)) => guard.check_text(text, side).text,
        (Content::Redacted | Content::None, _) => String::new(),
    };
    text.truncate(text.floor_char_boundary((*room).min(text.len())));
    *room -= text.len();
    text
}

/// The word of OpenAI's API, which the conventions' examples use.
pub(crate) fn reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
    }
}
