//! Asking a question and hearing the answer as it comes.
//!
//! It does not know conversations of several turns, which the command line has none of.

use crate::client::{Client, Parts};
use crate::events::Events;
use serde::Deserialize;
use serde_json::json;
use yizhan_domain::{Citation, Error, ErrorCode, FinishReason, Result, Usage};

/// How an answer ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// What it rests on.
    pub citations: Vec<Citation>,
    /// Why it ended.
    pub reason: Option<FinishReason>,
    /// What it took.
    pub usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<WireUsage>,
    error: Option<Parts>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Delta,
    finish_reason: Option<FinishReason>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    annotations: Option<Vec<Citation>>,
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: u32,
    completion_tokens: u32,
    prompt_tokens_details: WireDetails,
}

#[derive(Deserialize)]
struct WireDetails {
    cached_tokens: u32,
}

impl Client {
    /// Asks a model, a knowledge base or an application one question. `show` gets each piece of
    /// the answer as it comes.
    pub fn ask(&self, model: &str, question: &str, show: &mut dyn FnMut(&str)) -> Result<Reply> {
        let body = json!({
            "model": model,
            "messages": [{"role": "user", "content": question}],
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        let mut events = Events::new(self.post_for_stream("/v1/chat/completions", &body)?);
        let mut reply = Reply::default();
        while let Some(data) = events.next()? {
            if data == "[DONE]" {
                return Ok(reply);
            }
            take(&data, &mut reply, show)?;
        }
        Err(Error::new(ErrorCode::WorkerFailed, "The answer broke off before its end; ask again."))
    }
}

fn take(data: &str, reply: &mut Reply, show: &mut dyn FnMut(&str)) -> Result<()> {
    let chunk: Chunk =
        serde_json::from_str(data).map_err(|error| Error::io("A piece of the answer cannot be read", error))?;
    if let Some(error) = chunk.error {
        return Err(error.into_error());
    }
    for choice in chunk.choices {
        if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
            show(&text);
        }
        if let Some(citations) = choice.delta.annotations {
            reply.citations = citations;
        }
        reply.reason = choice.finish_reason.or(reply.reason);
    }
    if let Some(usage) = chunk.usage {
        reply.usage = Some(Usage {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cached_tokens: usage.prompt_tokens_details.cached_tokens,
            ..Usage::default()
        });
    }
    Ok(())
}

#[cfg(test)]
#[path = "chat_tests.rs"]
mod tests;
