//! The way of a chat call, told once.
//!
//! ```text
//! key → Call<Known> → what the name stands for → Call<Grounded> → events → citations checked → Reply
//! ```
//!
//! It does not know how any of the steps is done.

use crate::app::Apps;
use crate::call::{Call, Grounded, GroundedBy, Known};
use crate::reply::{Checked, Reply};
use crate::target::Target;
use futures_util::stream;
use std::sync::Arc;
use yizhan_access::Principal;
use yizhan_domain::{FinishReason, Message, ModelName, Result, Role, Usage};
use yizhan_knowledge::{Found, Grounding, Knowledge, Language, Relevance, SearchOptions};
use yizhan_model::{ChatEvent, ChatModel, ChatRequest, EmbedKind, Embeddings, EventStream};

/// What an installation decides.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The chat model of bases, and of applications that name none.
    pub chat: Option<ModelName>,
}

/// Answers calls.
pub struct Gateway {
    pub(crate) knowledge: Arc<Knowledge>,
    pub(crate) apps: Apps,
    pub(crate) settings: Settings,
}

impl Gateway {
    /// From its parts.
    pub fn new(knowledge: Arc<Knowledge>, apps: Apps, settings: Settings) -> Self {
        Self { knowledge, apps, settings }
    }

    /// The chat model of bases, and of applications that name none.
    pub fn default_chat(&self) -> Option<ModelName> {
        self.settings.chat.clone()
    }

    /// A call's way from a known caller to an answer.
    pub async fn chat(&self, call: Call<Known>) -> Result<Reply> {
        let target = self.resolve(&call.state.principal, &call.model).await?;
        let call = self.ground(call, &target).await?;
        let name = call.model.clone();
        let (events, grounding) = generate(call).await?;
        Ok(Reply { model: name, events: Box::pin(Checked::new(events, grounding)) })
    }

    /// One vector per text.
    pub async fn embed(
        &self,
        _principal: Principal,
        model: ModelName,
        kind: EmbedKind,
        texts: Vec<String>,
    ) -> Result<Embeddings> {
        self.knowledge.parts().models.embed(&model)?.embed(kind, texts).await
    }

    /// Puts what the documents say into the conversation.
    async fn ground(&self, call: Call<Known>, target: &Target) -> Result<Call<Grounded>> {
        let mut request = call.request.clone();
        target.sampling.complete(&mut request.sampling);
        let question = question(&request.messages);
        if target.bases.is_empty() || question.is_empty() {
            if target.instructions != Default::default() {
                request.messages = Grounding::default().messages(&request.messages, &target.instructions);
            }
            return Ok(call.grounded(target, request, GroundedBy::default()));
        }
        let found = self.search(&call, target, &question).await?;
        if found.is_empty() {
            let refusal = Some(Language::of(&question).nothing_found());
            return Ok(call.grounded(target, request, GroundedBy { grounding: None, refusal }));
        }
        let sources = call.retrieval.top.unwrap_or(target.retrieval.sources);
        let (request, grounding) = fit(target, request, &question, &found, sources).await?;
        Ok(call.grounded(target, request, GroundedBy { grounding: Some(grounding), refusal: None }))
    }

    /// The relevant passages of all bases.
    async fn search(&self, call: &Call<Known>, target: &Target, question: &str) -> Result<Vec<Found>> {
        let wishes = &call.retrieval;
        let rerank = wishes.rerank.unwrap_or(target.retrieval.rerank);
        let options = SearchOptions {
            mode: wishes.mode.unwrap_or(target.retrieval.mode),
            top: target.retrieval.top.max(wishes.top.unwrap_or(0)),
            filter: wishes.filter.clone(),
            min_score: wishes.min_score.unwrap_or(f32::NEG_INFINITY),
            rerank: rerank.then(|| target.model.name().clone()),
        };
        let mut found = Vec::new();
        for base in &target.bases {
            let of_base = self.knowledge.search(base, question, &options).await?;
            // What cannot hold the answer would only tempt a model to invent one.
            let relevance = Relevance::of(question, &of_base);
            if relevance.is_enough(base.settings.embedding.as_ref(), target.retrieval.threshold) {
                found.extend(of_base);
            }
        }
        if target.bases.len() > 1 {
            found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.id.cmp(&b.chunk.id)));
            found.truncate(options.top);
        }
        Ok(found)
    }
}

/// The last question. A short one that follows others is searched together with the one before:
/// "and on Sundays?" alone finds nothing.
fn question(messages: &[Message]) -> String {
    const SHORT: usize = 12;
    let mut questions = messages.iter().rev().filter(|message| message.role == Role::User);
    let last = questions.next().map(|message| message.content.text()).unwrap_or_default();
    match questions.next() {
        Some(before) if last.chars().count() <= SHORT => format!("{} {last}", before.content.text()),
        _ => last,
    }
}

/// As many sources as fit the model's context beside the conversation and the answer.
async fn fit(
    target: &Target,
    request: ChatRequest,
    question: &str,
    found: &[Found],
    most: usize,
) -> Result<(ChatRequest, Grounding)> {
    let mut most = most.max(1);
    loop {
        let grounding = Grounding::new(question, found, most);
        let messages = grounding.messages(&request.messages, &target.instructions);
        let grounded = ChatRequest { messages, ..request.clone() };
        let prompt = target.model.count_tokens(&grounded).await?;
        let answer = request.sampling.max_tokens.unwrap_or(0);
        if most == 1 || prompt.saturating_add(answer) <= target.model.context_length() {
            return Ok((grounded, grounding));
        }
        most = grounding.sources.len().min(most) - 1;
        most = most.max(1);
    }
}

async fn generate(call: Call<Grounded>) -> Result<(EventStream, Option<Grounding>)> {
    let Grounded { model, grounding, refusal } = call.state;
    let events = match refusal {
        Some(sentence) => said(sentence),
        None => ChatModel::generate(&*model, call.request).await?,
    };
    Ok((events, grounding))
}

/// A fixed sentence as a model's answer.
fn said(sentence: &str) -> EventStream {
    let end = ChatEvent::End { usage: Usage::default() };
    Box::pin(stream::iter([ChatEvent::text(sentence), ChatEvent::finish(FinishReason::Stop), end].map(Ok)))
}

#[cfg(test)]
#[path = "chat_tests.rs"]
mod tests;
