//! The two seams between HTTP and what answers it.
//!
//! This module knows no axum and no JSON of OpenAI's. Whoever assembles the program implements
//! the traits over the gateway and the knowledge layer; tests implement them with scripts.

use async_trait::async_trait;
use yizhan_access::Principal;
use yizhan_domain::{DocumentId, FileId, ModelName, Result};
pub use yizhan_gateway::{ReplyEvent, ReplyStream};
pub use yizhan_knowledge::SearchMode;
use yizhan_model::{ChatRequest, EmbedKind, Embeddings};
use yizhan_store::{Base, BaseSettings, Chunk, Document, File, Filter, NewDocument};

/// What a name in `model` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// A chat model.
    Chat,
    /// An embedding model.
    Embedding,
    /// A knowledge base.
    Base,
    /// An application.
    App,
}

impl ModelKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            ModelKind::Chat => "chat",
            ModelKind::Embedding => "embedding",
            ModelKind::Base => "base",
            ModelKind::App => "app",
        }
    }
}

/// One line of `GET /v1/models`.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelEntry {
    /// What callers put into `model`.
    pub name: ModelName,
    /// What it stands for.
    pub kind: ModelKind,
    /// When it came to be, seconds since 1970.
    pub created: i64,
    /// Who made it, e.g. a vendor, or `yizhan` for bases and applications.
    pub owner: String,
}

/// How passages are found. `None` leaves it to the base's or the application's settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retrieval {
    /// Which sides are asked.
    pub mode: Option<SearchMode>,
    /// At most so many passages, 1–100.
    pub limit: Option<usize>,
    /// Only passages of documents that meet this.
    pub filter: Option<Filter>,
    /// Passages with a lower score are left out.
    pub score_threshold: Option<f32>,
    /// Let the reranker order the passages.
    pub rerank: Option<bool>,
}

/// A call of `/v1/chat/completions`, understood and not yet governed.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatCall {
    /// A model, a knowledge base or an application.
    pub model: ModelName,
    /// The conversation.
    pub request: ChatRequest,
    /// The caller's own wishes for retrieval; no meaning for a bare model.
    pub retrieval: Retrieval,
    /// The id of the HTTP request, for logs and the audit.
    pub request_id: String,
}

/// An answer that has begun.
pub struct ChatReply {
    /// Its id, `chatcmpl-…`.
    pub id: String,
    /// When it began, seconds since 1970.
    pub created: i64,
    /// Who answers: the name that was asked for.
    pub model: ModelName,
    /// The answer. Errors that are known before the first token come from [`ChatBackend::chat`].
    pub events: ReplyStream,
}

/// Answers conversations and embeds text: the gateway's straight path.
#[async_trait]
pub trait ChatBackend: Send + Sync {
    /// Everything that the caller may put into `model`.
    async fn models(&self, principal: &Principal) -> Result<Vec<ModelEntry>>;

    /// Begins an answer. `ModelNotFound` when nothing has that name.
    async fn chat(&self, principal: Principal, call: ChatCall) -> Result<ChatReply>;

    /// One vector per text, in order. `ModelNotFound` when no embedding model has that name.
    async fn embed(
        &self,
        principal: Principal,
        model: ModelName,
        kind: EmbedKind,
        texts: Vec<String>,
    ) -> Result<Embeddings>;
}

/// One passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchHit {
    /// The passage, with its document's name and its lines' places.
    pub chunk: Chunk,
    /// Higher is better; comparable within one search only.
    pub score: f32,
}

/// Everything about a base that the store alone cannot do. Plain reads go to the store.
#[async_trait]
pub trait KnowledgeBackend: Send + Sync {
    /// Settings of a base whose maker gave none: the embedding model of this installation.
    fn default_settings(&self) -> BaseSettings;

    /// Keeps an upload's bytes and its name. Bytes are removed beside this, so nothing else may put any.
    async fn add_file(&self, principal: &Principal, name: &str, bytes: Vec<u8>, purpose: &str) -> Result<File>;

    /// Submits a document and wakes the ingestor; the reply does not wait for it.
    async fn submit(&self, base: &Base, document: NewDocument) -> Result<Document>;

    /// Passages, best first.
    async fn search(&self, base: &Base, query: &str, options: Retrieval) -> Result<Vec<SearchHit>>;

    /// Removes a document from the store and from every index; searches no longer find it when
    /// this returns.
    async fn delete_document(&self, base: &Base, document: DocumentId) -> Result<()>;

    /// Removes a base with its indexes.
    async fn delete_base(&self, base: &Base) -> Result<()>;

    /// Removes a file, its bytes, and every document made from it, as `delete_document` does.
    /// `NotFound` when the caller has no such file.
    async fn delete_file(&self, principal: &Principal, file: &FileId) -> Result<()>;

    /// Why this is not ready to serve, in words; empty when it is: store reachable, indexes
    /// caught up with the store.
    async fn not_ready(&self) -> Vec<String>;
}
