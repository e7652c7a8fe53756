//! A remote chat model.
//!
//! It does not know retries or fallbacks: the gateway decides about those.

use crate::config::{Capability, ModelConfig};
use crate::estimate::{request_tokens, scale};
use crate::failure::{Outcome, What};
use crate::provider::Shared;
use crate::stream::{Events, Reader, Reckoning};
use crate::vendor::Wire;
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Uri, header::CONTENT_TYPE};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use yizhan_dialect::anthropic::{make_neutral, write_message_request};
use yizhan_dialect::openai::ChatRequestBody;
use yizhan_domain::{Content, Error, Fields, ModelName, Part, Result};
use yizhan_model::{ChatEvent, ChatModel, ChatRequest, Dialect, EventStream, ResponseFormat};

/// What Anthropic is told when neither caller nor configuration limits the answer.
const DEFAULT_MAX_OUTPUT: u32 = 4096;

/// Fields of messages by which Anthropic's blocks find their way back to Anthropic. Others may not like them.
const ANTHROPICS_OWN: [&str; 3] = ["thinking_blocks", "content_blocks", "native_finish_reason"];

/// A chat model of a provider.
pub(crate) struct RemoteChat {
    shared: Arc<Shared>,
    model: ModelConfig,
    uri: Uri,
}

impl RemoteChat {
    pub(crate) fn new(shared: Arc<Shared>, model: ModelConfig) -> Result<Self> {
        let uri = shared.client.route(&format!("{}{}", shared.base, shared.vendor.chat_path()))?;
        Ok(Self { shared, model, uri })
    }

    fn write(&self, request: &ChatRequest) -> Result<Bytes> {
        self.check(request)?;
        let upstream = self.model.upstream();
        match self.shared.vendor.wire() {
            Wire::OpenAi => {
                let mut neutral = Cow::Borrowed(request);
                if request.dialect == Dialect::Anthropic {
                    make_neutral(neutral.to_mut())?;
                }
                let mut body = ChatRequestBody::new(upstream, &neutral, true);
                self.adapt(&mut body.fields);
                body.leave_out(&ANTHROPICS_OWN);
                body.leave_out(self.shared.vendor.refused_in_messages());
                to_bytes(&body)
            }
            Wire::Anthropic => {
                let most = self.model.max_output.unwrap_or(DEFAULT_MAX_OUTPUT);
                let mut body = write_message_request(upstream, request, most)?;
                self.adapt(&mut body);
                to_bytes(&body)
            }
        }
    }

    /// What the configuration says of the model, and its vendor's ways.
    fn adapt(&self, body: &mut Fields) {
        for (key, value) in &self.model.body {
            body.entry(key.as_str()).or_insert_with(|| value.clone());
        }
        self.shared.vendor.adapt_chat(body);
    }

    /// Is anything asked for that the configuration says the model lacks?
    fn check(&self, request: &ChatRequest) -> Result<()> {
        let Some(capabilities) = &self.model.capabilities else { return Ok(()) };
        let needs = [
            (Capability::Tools, !request.tools.is_empty(), "tools", "cannot call tools"),
            (Capability::Images, has_images(request), "messages", "sees no images"),
            (
                Capability::Json,
                request.response_format != ResponseFormat::Text,
                "response_format",
                "keeps to no schema",
            ),
        ];
        match needs.into_iter().find(|(capability, needed, ..)| *needed && !capabilities.contains(capability)) {
            None => Ok(()),
            Some((_, _, field, lack)) => {
                let message = format!("The model '{}' {lack}; choose another one.", self.model.name.as_str());
                Err(Error::invalid(field, message))
            }
        }
    }

    async fn stream(&self, body: Bytes, reckoning: Reckoning) -> Outcome<EventStream> {
        let begun = Instant::now();
        let client = &self.shared.client;
        let reply = client.post(&self.uri, body, true).await?;
        if is_json(reply.headers()) {
            // Not a stream after all: an error, or a provider that answers at once.
            let body = client.read_whole(reply.into_body(), begun).await?;
            return self.whole(&body, reckoning);
        }
        if is_web_page(reply.headers()) {
            return Err(What::Malformed("it is a web page, perhaps of a proxy in between".to_owned()).into());
        }
        Ok(Box::pin(Events::new(Arc::clone(&self.shared), reply.into_body(), reckoning, begun)))
    }

    /// The events of a reply that came in one piece.
    fn whole(&self, body: &[u8], mut reckoning: Reckoning) -> Outcome<EventStream> {
        let mut events = VecDeque::with_capacity(4);
        let mut reader = Reader::new(self.shared.vendor.wire());
        reader.reply(body, &mut events)?;
        let usage = reader.usage();
        if usage.is_none() {
            events.iter().for_each(|event| reckoning.take(event));
        }
        reckoning.end(usage, &mut events);
        let events = events.into_iter().map(Ok::<ChatEvent, Error>);
        Ok(Box::pin(futures_util::stream::iter(events)))
    }
}

fn has_images(request: &ChatRequest) -> bool {
    let is_image = |part: &Part| matches!(part, Part::Image { .. });
    request.messages.iter().any(|message| match &message.content {
        Content::Text(_) => false,
        Content::Parts(parts) => parts.iter().any(is_image),
    })
}

fn content_type(headers: &HeaderMap) -> &[u8] {
    headers.get(CONTENT_TYPE).map_or(b"", |value| value.as_bytes())
}

fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers).starts_with(b"application/json")
}

fn is_web_page(headers: &HeaderMap) -> bool {
    content_type(headers).starts_with(b"text/html")
}

fn to_bytes(body: &impl Serialize) -> Result<Bytes> {
    // Room for a short conversation.
    let mut text = Vec::with_capacity(1000);
    match serde_json::to_writer(&mut text, body) {
        Ok(()) => Ok(text.into()),
        Err(cause) => Err(Error::internal(format!("The request cannot be written: {cause}."))),
    }
}

#[async_trait]
impl ChatModel for RemoteChat {
    fn name(&self) -> &ModelName {
        &self.model.name
    }

    fn context_length(&self) -> u32 {
        self.model.context_length
    }

    async fn generate(&self, request: &ChatRequest) -> Result<EventStream> {
        let body = self.write(request)?;
        let reckoning = Reckoning::new(body.clone(), self.model.context_length, self.model.token_factor);
        let answer = if request.streamed {
            self.stream(body, reckoning).await
        } else {
            match self.shared.client.post_whole(&self.uri, body).await {
                Ok(reply) => self.whole(&reply, reckoning),
                Err(failure) => Err(failure),
            }
        };
        answer.map_err(|failure| self.shared.tell(failure))
    }

    /// An estimate, nearly always too high: the true count is known to the provider alone.
    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32> {
        Ok(scale(request_tokens(request), self.model.token_factor))
    }
}
