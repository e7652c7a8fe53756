//! The server's seams, answered by the gateway and the knowledge layer.
//!
//! It only translates between their words; it decides nothing.

use async_trait::async_trait;
use std::sync::Arc;
use yizhan_access::Principal;
use yizhan_domain::{DocumentId, FileId, ModelName, Result};
use yizhan_gateway::{Call, Gateway, Kind, RetrievalWishes};
use yizhan_knowledge::{Knowledge, SearchOptions};
use yizhan_model::{EmbedKind, Embeddings};
use yizhan_server::backend::{
    ChatBackend, ChatCall, ChatReply, KnowledgeBackend, ModelEntry, ModelKind, Retrieval, SearchHit,
};
use yizhan_store::{Base, BaseSettings, Document, File, NewDocument};

/// Both seams over one house.
pub(crate) struct Backend {
    gateway: Arc<Gateway>,
    knowledge: Arc<Knowledge>,
}

impl Backend {
    pub(crate) fn new(gateway: Arc<Gateway>, knowledge: Arc<Knowledge>) -> Self {
        Self { gateway, knowledge }
    }
}

#[async_trait]
impl ChatBackend for Backend {
    async fn models(&self, principal: &Principal) -> Result<Vec<ModelEntry>> {
        let listed = self.gateway.list(principal).await?;
        Ok(listed
            .into_iter()
            .map(|one| ModelEntry {
                name: one.name,
                kind: match one.kind {
                    Kind::Chat => ModelKind::Chat,
                    Kind::Embedding => ModelKind::Embedding,
                    Kind::Base => ModelKind::Base,
                    Kind::App => ModelKind::App,
                },
                created: one.created_ms / 1000,
                owner: "yizhan".into(),
            })
            .collect())
    }

    async fn chat(&self, principal: Principal, call: ChatCall) -> Result<ChatReply> {
        let wishes = RetrievalWishes {
            mode: call.retrieval.mode,
            top: call.retrieval.limit,
            filter: call.retrieval.filter,
            min_score: call.retrieval.score_threshold,
            rerank: call.retrieval.rerank,
        };
        let reply = self.gateway.chat(Call::new(principal, call.model, call.request, wishes)).await?;
        Ok(ChatReply {
            id: format!("chatcmpl-{}", FileId::random().as_str().trim_start_matches("file-")),
            created: seconds_now(),
            model: reply.model,
            events: reply.events,
        })
    }

    async fn embed(
        &self,
        principal: Principal,
        model: ModelName,
        kind: EmbedKind,
        texts: Vec<String>,
    ) -> Result<Embeddings> {
        self.gateway.embed(principal, model, kind, texts).await
    }
}

fn seconds_now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[async_trait]
impl KnowledgeBackend for Backend {
    fn default_settings(&self) -> BaseSettings {
        crate::station::default_settings()
    }

    async fn add_file(&self, principal: &Principal, name: &str, bytes: Vec<u8>, purpose: &str) -> Result<File> {
        self.knowledge.add_file(principal.tenant(), name, bytes, purpose).await
    }

    async fn submit(&self, base: &Base, document: NewDocument) -> Result<Document> {
        Ok(self.knowledge.submit(base, document).await?.document)
    }

    async fn search(&self, base: &Base, query: &str, options: Retrieval) -> Result<Vec<SearchHit>> {
        let rerank = options.rerank.unwrap_or(false).then(|| self.gateway.default_chat()).flatten();
        let options = SearchOptions {
            mode: options.mode.unwrap_or_default(),
            top: options.limit.unwrap_or(10),
            filter: options.filter,
            min_score: options.score_threshold.unwrap_or(f32::NEG_INFINITY),
            rerank,
        };
        let found = self.knowledge.search(base, query, &options).await?;
        Ok(found.into_iter().map(|one| SearchHit { chunk: one.chunk, score: one.score }).collect())
    }

    async fn delete_document(&self, base: &Base, document: DocumentId) -> Result<()> {
        self.knowledge.delete_document(base, document).await
    }

    async fn delete_base(&self, base: &Base) -> Result<()> {
        self.knowledge.delete_base(&base.id).await
    }

    async fn delete_file(&self, principal: &Principal, file: &FileId) -> Result<()> {
        self.knowledge.delete_file(principal.tenant(), file).await
    }

    async fn not_ready(&self) -> Vec<String> {
        self.knowledge.not_ready().await
    }
}
