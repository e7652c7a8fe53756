//! The seams between HTTP and what answers it.
//!
//! This module knows no axum and no JSON of OpenAI's. Whoever assembles the program implements
//! the traits over the gateway and the knowledge layer; tests implement them with scripts.

pub use crate::notes::{Note, is_search};
use async_trait::async_trait;
use yizhan_access::Principal;
use yizhan_domain::{DocumentId, FileId, ModelName, Result, Usage};
pub use yizhan_gateway::{Answered, Caller, ModelEntry, ModelKind, Reply, RetrievalWishes};
pub use yizhan_knowledge::SearchMode;
use yizhan_model::{ChatRequest, EmbedKind, Embeddings};
use yizhan_store::{Base, BaseSettings, Chunk, Document, File, NewDocument, UsageGroup, UsageQuery};

/// A call of a chat route, understood and not yet governed.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatCall {
    /// A model, a knowledge base or an application.
    pub model: ModelName,
    /// The conversation.
    pub request: ChatRequest,
    /// The caller's own wishes for retrieval; no meaning for a bare model.
    pub retrieval: RetrievalWishes,
}

/// Answers conversations and everything else that models do: the gateway's straight path. It notes every
/// call that it was given, also those that it refuses.
#[async_trait]
pub trait ChatBackend: Send + Sync {
    /// Everything that the caller may put into `model`.
    async fn models(&self, principal: &Principal) -> Result<Vec<ModelEntry>>;

    /// Begins an answer. `ModelNotFound` when nothing has that name. Errors that are known before the
    /// first token come from here.
    async fn chat(&self, caller: Caller, call: ChatCall) -> Result<Reply>;

    /// The tokens of a conversation's prompt.
    async fn count_tokens(&self, caller: &Caller, model: &ModelName, request: &ChatRequest) -> Result<u32>;

    /// One vector per text, in order. `ModelNotFound` when no embedding model has that name.
    async fn embed(
        &self,
        caller: &Caller,
        model: ModelName,
        kind: EmbedKind,
        texts: Vec<String>,
    ) -> Result<Answered<Embeddings>>;

    /// One score per passage, in order, and what it took.
    async fn rerank(
        &self,
        caller: &Caller,
        model: ModelName,
        query: String,
        passages: Vec<String>,
    ) -> Result<Answered<(Vec<f32>, Usage)>>;

    /// What the rules find in each text.
    async fn moderate(&self, caller: &Caller, model: ModelName, texts: Vec<String>)
    -> Result<Answered<Vec<Moderated>>>;

    /// For each query its passages, best first.
    async fn search(
        &self,
        caller: &Caller,
        base: &Base,
        queries: Vec<String>,
        options: RetrievalWishes,
    ) -> Result<Answered<Vec<Vec<SearchHit>>>>;

    /// Metrics in the form that the scraper's `Accept` header asks for: content type and text. None: there
    /// are none.
    fn metrics(&self, _accept: Option<&str>) -> Option<(&'static str, String)> {
        None
    }

    /// Keeps the note of a request that did not come as far as the methods above.
    async fn note(&self, note: Note);
}

/// Says what calls used.
#[async_trait]
pub trait UsageBackend: Send + Sync {
    /// Sums over calls, also over those that have only just ended.
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageGroup>>;
}

/// What the rules say of one text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moderated {
    /// The rules that found something, by id, and whether they would have stopped the call.
    pub categories: Vec<(String, bool)>,
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
