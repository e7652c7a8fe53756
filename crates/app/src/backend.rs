//! The server's seams, answered by the gateway and the knowledge layer.
//!
//! It only translates between their words; it decides nothing.

use async_trait::async_trait;
use std::sync::Arc;
use yizhan_access::Principal;
use yizhan_audit::{Kind, Outcome, Record};
use yizhan_domain::{DocumentId, FileId, ModelName, Result, Usage};
use yizhan_gateway::{Call, Gateway};
use yizhan_guard::{Action, TextCheck};
use yizhan_knowledge::{Found, Knowledge};
use yizhan_model::{ChatRequest, EmbedKind, Embeddings};
use yizhan_server::admin::time::now_ms;
use yizhan_server::backend::{
    Answered, Caller, ChatBackend, ChatCall, KnowledgeBackend, ModelEntry, Moderated, Note, Reply, RetrievalWishes,
    SearchHit, is_search,
};
use yizhan_store::{Base, BaseSettings, Document, File, NewDocument};
use yizhan_telemetry::{Format, Metrics};

/// Both seams over one house.
pub(crate) struct Backend {
    gateway: Arc<Gateway>,
    knowledge: Arc<Knowledge>,
    metrics: Arc<Metrics>,
}

impl Backend {
    pub(crate) fn new(gateway: Arc<Gateway>, knowledge: Arc<Knowledge>, metrics: Arc<Metrics>) -> Self {
        Self { gateway, knowledge, metrics }
    }
}

#[async_trait]
impl ChatBackend for Backend {
    async fn models(&self, principal: &Principal) -> Result<Vec<ModelEntry>> {
        self.gateway.list(principal).await
    }

    async fn chat(&self, caller: Caller, call: ChatCall) -> Result<Reply> {
        self.gateway.chat(Call::new(caller, call.model, call.request, call.retrieval)).await
    }

    async fn count_tokens(&self, caller: &Caller, model: &ModelName, request: &ChatRequest) -> Result<u32> {
        self.gateway.count_tokens(caller, model, request).await
    }

    async fn embed(
        &self,
        caller: &Caller,
        model: ModelName,
        kind: EmbedKind,
        texts: Vec<String>,
    ) -> Result<Answered<Embeddings>> {
        self.gateway.embed(caller, model, kind, texts).await
    }

    async fn rerank(
        &self,
        caller: &Caller,
        model: ModelName,
        query: String,
        passages: Vec<String>,
    ) -> Result<Answered<(Vec<f32>, Usage)>> {
        self.gateway.rerank(caller, model, query, passages).await
    }

    async fn moderate(
        &self,
        caller: &Caller,
        model: ModelName,
        texts: Vec<String>,
    ) -> Result<Answered<Vec<Moderated>>> {
        let answered = self.gateway.moderate(caller, model, texts).await?;
        Ok(answered.map(|checks| checks.into_iter().map(moderated).collect()))
    }

    async fn search(
        &self,
        caller: &Caller,
        base: &Base,
        queries: Vec<String>,
        options: RetrievalWishes,
    ) -> Result<Answered<Vec<Vec<SearchHit>>>> {
        let hit = |found: Found| SearchHit { chunk: found.chunk, score: found.score };
        let answered = self.gateway.find(caller, base, queries, options).await?;
        Ok(answered.map(|all| all.into_iter().map(|found| found.into_iter().map(hit).collect()).collect()))
    }

    fn metrics(&self, accept: Option<&str>) -> Option<(&'static str, String)> {
        let format = Format::accepted(accept);
        Some((format.content_type(), self.metrics.render(format)))
    }

    async fn note(&self, note: Note) {
        if let Err(error) = self.gateway.ledger().keep(record(note)).await {
            tracing::error!(%error, "a request could not be recorded");
        }
    }
}

/// By rule: did it find something, and would it have stopped the call?
fn moderated(check: TextCheck) -> Moderated {
    let mut categories: Vec<(String, bool)> = Vec::new();
    for finding in check.findings {
        let stops = matches!(finding.action, Action::Block | Action::Review);
        match categories.iter_mut().find(|(category, _)| *category == finding.category) {
            Some((_, flagged)) => *flagged |= stops,
            None => categories.push((finding.category, stops)),
        }
    }
    Moderated { categories }
}

/// A request that no model was asked for, as the audit log keeps it.
fn record(note: Note) -> Record {
    let kind = match note.path.as_str() {
        "/v1/chat/completions" | "/v1/messages" | "/v1/responses" => Kind::Chat,
        "/v1/embeddings" => Kind::Embedding,
        "/v1/rerank" | "/v2/rerank" => Kind::Rerank,
        "/v1/moderations" => Kind::Moderation,
        path if review(path).is_some() => Kind::Review,
        path if is_search(path) => Kind::Search,
        path if path.starts_with("/admin/") => Kind::Admin,
        _ => Kind::Other,
    };
    let began = now_ms().saturating_sub(i64::from(note.total_ms));
    let mut record = Record::new(note.call, began, kind);
    if let Some(principal) = &note.principal {
        record.tenant = Some(principal.tenant().clone());
        record.project = principal.project().cloned();
        record.user = principal.user().cloned();
        record.key = Some(principal.key().clone());
    }
    record.status = note.status;
    record.outcome = match note.error {
        None => Outcome::Ok,
        Some(code) if code.status() >= 500 => Outcome::Failed(code.into()),
        Some(code) => Outcome::Refused(code.into()),
    };
    record.total_ms = note.total_ms;
    record.address = note.address;
    record.user_agent = note.user_agent;
    if let Some((tenant, id, decision)) = review(&note.path) {
        if note.error.is_none() {
            // Also when the installation's administrator decides: it is that tenant's matter.
            record.tenant = Some(tenant.into());
        }
        record.extra.insert("review".to_owned(), id.into());
        record.extra.insert("decision".to_owned(), decision.into());
    }
    record.extra.insert("request".to_owned(), format!("{} {}", note.method, note.path).into());
    if let Some(change) = note.change {
        record.extra.insert("change".to_owned(), change);
    }
    record
}

/// Tenant and id of a review, and what was decided on it, of the path by which that is done.
fn review(path: &str) -> Option<(&str, &str, &str)> {
    let (tenant, rest) = path.strip_prefix("/admin/v1/tenants/")?.split_once("/reviews/")?;
    let (id, decision) = rest.split_once('/')?;
    Some((tenant, id, decision))
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
