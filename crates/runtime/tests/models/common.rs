//! What the tests with real models share.

use std::path::PathBuf;
use yizhan_domain::{FinishReason, Message, Role, Usage};
use yizhan_model::{ChatEvent, ChatRequest, EventStream, Sampling};
use yizhan_process::Program;
use yizhan_runtime::{Options, Runtime};

/// A runtime whose workers are this crate's own worker program.
pub(crate) fn runtime(options: Options) -> Runtime {
    Runtime::new(Program::at(env!("CARGO_BIN_EXE_yizhan-runtime-worker")), options)
}

/// A model's file in the cache.
#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
pub(crate) fn model_file(name: &str, file: &str) -> PathBuf {
    let cache = std::env::var("YIZHAN_CACHE").unwrap_or_default();
    let path = PathBuf::from(cache).join("models").join(name).join(file);
    assert!(path.exists(), "{} is missing: run `make test`, which pulls the test models first.", path.display());
    path
}

pub(crate) fn small_chat_model() -> PathBuf {
    model_file("smollm2-135m-instruct", "model.gguf")
}

pub(crate) fn embed_model() -> PathBuf {
    model_file("multilingual-e5-small", "model.gguf")
}

pub(crate) fn ask(text: &str, max_tokens: u32) -> ChatRequest {
    let sampling = Sampling { temperature: Some(0.0), max_tokens: Some(max_tokens), ..Sampling::default() };
    ChatRequest { messages: vec![Message::text(Role::User, text)], sampling, ..ChatRequest::default() }
}

/// The whole answer.
pub(crate) struct Whole {
    pub(crate) text: String,
    pub(crate) pieces: usize,
    pub(crate) reason: FinishReason,
    pub(crate) usage: Usage,
}

pub(crate) async fn collect(mut events: EventStream) -> yizhan_domain::Result<Whole> {
    let (mut text, mut pieces, mut end) = (String::new(), 0, None);
    while let Some(event) = futures_util::StreamExt::next(&mut events).await {
        match event? {
            ChatEvent::Text { delta, .. } => {
                text.push_str(&delta);
                pieces += 1;
            }
            ChatEvent::Finish { reason, .. } => end = Some(reason),
            ChatEvent::End { usage } => {
                let more = futures_util::StreamExt::next(&mut events).await;
                assert!(more.is_none(), "an event after the last: {more:?}");
                let reason = end.expect("the end of the answer comes before the end of all");
                return Ok(Whole { text, pieces, reason, usage });
            }
            ChatEvent::Reasoning { .. } | ChatEvent::ToolCall { .. } | ChatEvent::Extra { .. } => {}
        }
    }
    panic!("the stream ended without its last event");
}
