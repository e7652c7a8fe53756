//! A server over scripted models and a store in memory, for tests and the example.
//!
//! Documents are read at once when they are submitted: each line is a chunk. A search finds the
//! chunks that share words with the query.

#![allow(dead_code, reason = "each test uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

pub(crate) mod http;

use async_trait::async_trait;
use futures_util::StreamExt;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use yizhan_access::{Access, Principal, Scope};
use yizhan_domain::{
    Citation, DocumentId, Error, ErrorCode, FileId, LineSpan, ModelName, Place, Rect, Result, Role, TenantId, Usage,
};
use yizhan_model::{ChatEvent, ChatModel, ChatRequest, EmbedKind, EmbedModel, Embeddings};
use yizhan_server::backend::{
    Answered, Caller, ChatBackend, ChatCall, KnowledgeBackend, ModelEntry, ModelKind, Moderated, Note, Reply,
    RetrievalWishes, SearchHit,
};
use yizhan_server::{AppState, Settings};
use yizhan_store::{
    Base, BaseSettings, BlobStore, Document, DocumentStore, File, MemoryStore, NewChunk, NewDocument, NewFile, Page,
    Processed,
};
use yizhan_testkit::{ScriptedChat, ScriptedEmbed};

/// The key that may do everything.
pub(crate) const KEY: &str = "sk-test-0123456789abcdef";

/// A day, for leases that must not run out.
const LONG: Duration = Duration::from_secs(86_400);

/// The doubles behind a server.
pub(crate) struct Scripted {
    pub(crate) store: MemoryStore,
    pub(crate) chat: ScriptedChat,
    pub(crate) embed: ScriptedEmbed,
    /// What the server noted besides.
    pub(crate) notes: Mutex<Vec<Note>>,
}

impl Scripted {
    pub(crate) fn new() -> Arc<Self> {
        let chat = ScriptedChat::new("scripted-chat").with_context_length(1000);
        Arc::new(Self {
            store: MemoryStore::new(),
            chat,
            embed: ScriptedEmbed::new("scripted-embed", 8),
            notes: Mutex::default(),
        })
    }

    /// The server's state over these doubles; [`KEY`] opens it.
    pub(crate) async fn state(self: &Arc<Self>, settings: Settings) -> AppState {
        let access = Access::new(Arc::new(self.store.clone()));
        access.bootstrap(Some(KEY.to_owned())).await.unwrap();
        self.state_with(Arc::new(access), settings)
    }

    pub(crate) fn state_with(self: &Arc<Self>, access: Arc<Access>, settings: Settings) -> AppState {
        let store = Arc::new(self.store.clone());
        AppState::new(access, store.clone(), store, Arc::clone(self) as _, Arc::clone(self) as _, settings)
    }

    /// A key with one scope only.
    pub(crate) async fn key(&self, access: &Access, scope: Scope) -> String {
        access.issue(&TenantId::default_tenant(), "limited", &[scope]).await.unwrap().0
    }

    async fn process(&self, base: &Base) -> Result<()> {
        while let Some(job) = self.store.claim(Some(&base.id), LONG).await? {
            let bytes = self.store.get(&job.document.hash).await?;
            match String::from_utf8(bytes) {
                Ok(text) => drop(self.store.complete(&job, lines(&text)).await?),
                Err(_) => drop(self.store.fail(&job, "It is not text.", None).await?),
            }
        }
        Ok(())
    }

    async fn chunks(&self, base: &Base, filter: Option<&yizhan_store::Filter>) -> Result<Vec<yizhan_store::Chunk>> {
        let allowed: Option<HashSet<DocumentId>> = match filter {
            Some(filter) => Some(self.store.documents_matching(&base.id, filter).await?.into_iter().collect()),
            None => None,
        };
        let changes = self.store.changes(&base.id, Default::default(), usize::MAX).await?;
        let fits = |id: &DocumentId| allowed.as_ref().is_none_or(|allowed| allowed.contains(id));
        let kept = changes.into_iter().filter(|change| fits(&change.document));
        Ok(kept.flat_map(|change| change.chunks).map(|(chunk, _)| chunk).collect())
    }

    async fn hits(&self, base: &Base, query: &str, options: &RetrievalWishes) -> Result<Vec<SearchHit>> {
        let wanted = words(query);
        let chunks = self.chunks(base, options.filter.as_ref()).await?;
        let hit = |chunk: yizhan_store::Chunk| {
            let shared = words(&chunk.text).intersection(&wanted).count();
            (shared > 0).then(|| SearchHit { score: shared as f32 / wanted.len() as f32, chunk })
        };
        let mut hits: Vec<SearchHit> = chunks.into_iter().filter_map(hit).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(options.top.unwrap_or(8));
        Ok(hits)
    }
}

fn lines(text: &str) -> Processed {
    let chunk = |(number, line): (usize, &str)| {
        let top = 72.0 + 14.5 * number as f32;
        let rect = Some(Rect([72.0, top, 300.1, top + 12.0]));
        let lines = vec![LineSpan { start: 0, end: line.len() as u32, page: Some(1), rect }];
        let tokens = line.split_whitespace().count() as u32;
        NewChunk { text: line.to_owned(), heading: Vec::new(), lines, section: None, tokens, vector: Vec::new() }
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Processed { pages: Some(1), sections: Vec::new(), chunks: lines.enumerate().map(chunk).collect() }
}

fn words(text: &str) -> HashSet<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2).map(str::to_lowercase).collect()
}

#[async_trait]
impl ChatBackend for Scripted {
    async fn models(&self, principal: &Principal) -> Result<Vec<ModelEntry>> {
        let entry = |name: &ModelName, kind, created| {
            let (name, owner) = (name.clone(), "yizhan".to_owned());
            ModelEntry { name, kind, created, owner }
        };
        let mut entries =
            vec![entry(self.chat.name(), ModelKind::Chat, 0), entry(self.embed.name(), ModelKind::Embedding, 0)];
        for base in self.store.bases(principal.tenant()).await? {
            entries.push(entry(&ModelName::new(base.name), ModelKind::Base, base.created_ms / 1000));
        }
        Ok(entries)
    }

    async fn chat(&self, caller: Caller, call: ChatCall) -> Result<Reply> {
        let principal = &caller.principal;
        let question = call.request.messages.last().map(|message| message.content.text()).unwrap_or_default();
        let asks_for_panic =
            call.request.messages.iter().any(|message| message.role == Role::System) && question == "panic";
        assert!(!asks_for_panic, "as asked");
        let mut citations = Vec::new();
        if call.model != *self.chat.name() {
            let base = self.store.base(principal.tenant(), call.model.as_str()).await?.ok_or_else(|| {
                let message = format!("There is no model '{}'; GET /v1/models lists the names.", call.model);
                Error::new(ErrorCode::ModelNotFound, message).at("model")
            })?;
            for (number, hit) in self.hits(&base, &question, &call.retrieval).await?.into_iter().enumerate() {
                let place = Place::of_lines(&hit.chunk.lines);
                let (page, boxes) = (place.page, place.boxes);
                let chunk = hit.chunk;
                let index = number as u32 + 1;
                citations.push(Citation {
                    index,
                    file_id: chunk.file,
                    filename: chunk.name,
                    page,
                    quote: chunk.text,
                    boxes,
                });
            }
        }
        let events = self.chat.generate(&call.request).await?;
        let events = events.map(move |event| {
            event.map(|event| match event {
                ChatEvent::Finish { choice, reason, .. } => {
                    ChatEvent::Finish { choice, reason, citations: citations.clone() }
                }
                other => other,
            })
        });
        Ok(Reply {
            call: caller.call,
            model: call.model,
            served: None,
            fallback: false,
            cached: None,
            prompt_tokens: 1,
            standing: Default::default(),
            events: events.boxed(),
        })
    }

    async fn count_tokens(&self, _: &Caller, _: &ModelName, request: &ChatRequest) -> Result<u32> {
        self.chat.count_tokens(request).await
    }

    async fn rerank(
        &self,
        caller: &Caller,
        _: ModelName,
        query: String,
        passages: Vec<String>,
    ) -> Result<Answered<(Vec<f32>, Usage)>> {
        let score = |passage: &String| if passage.contains(&query) { 1.0 } else { 0.0 };
        Ok(answered(caller, (passages.iter().map(score).collect(), Usage::default())))
    }

    async fn moderate(&self, caller: &Caller, _: ModelName, texts: Vec<String>) -> Result<Answered<Vec<Moderated>>> {
        let judge = |text: String| match text.contains("forbidden") {
            true => Moderated { categories: vec![("words".to_owned(), true)] },
            false => Moderated::default(),
        };
        Ok(answered(caller, texts.into_iter().map(judge).collect()))
    }

    async fn search(
        &self,
        caller: &Caller,
        base: &Base,
        queries: Vec<String>,
        options: RetrievalWishes,
    ) -> Result<Answered<Vec<Vec<SearchHit>>>> {
        let mut all = Vec::new();
        for query in &queries {
            all.push(self.hits(base, query, &options).await?);
        }
        Ok(answered(caller, all))
    }

    async fn note(&self, note: Note) {
        self.notes.lock().unwrap().push(note);
    }

    async fn embed(
        &self,
        caller: &Caller,
        model: ModelName,
        kind: EmbedKind,
        texts: Vec<String>,
    ) -> Result<Answered<Embeddings>> {
        if model != *self.embed.name() {
            return Err(Error::new(ErrorCode::ModelNotFound, format!("There is no model '{model}'.")).at("model"));
        }
        Ok(answered(caller, self.embed.embed(kind, texts).await?))
    }
}

#[async_trait]
impl KnowledgeBackend for Scripted {
    fn default_settings(&self) -> BaseSettings {
        BaseSettings { embedding: Some(self.embed.name().clone()), ..BaseSettings::default() }
    }

    async fn add_file(&self, principal: &Principal, name: &str, bytes: Vec<u8>, purpose: &str) -> Result<File> {
        let (length, name, purpose) = (bytes.len() as u64, name.to_owned(), purpose.to_owned());
        let hash = self.store.put(bytes).await?;
        self.store.create_file(NewFile { tenant: principal.tenant().clone(), name, hash, bytes: length, purpose }).await
    }

    async fn submit(&self, base: &Base, document: NewDocument) -> Result<Document> {
        let submitted = self.store.submit(&base.id, document).await?;
        self.process(base).await?;
        Ok(submitted.document)
    }

    async fn delete_document(&self, _: &Base, document: DocumentId) -> Result<()> {
        self.store.delete_document(document).await
    }

    async fn delete_base(&self, base: &Base) -> Result<()> {
        self.store.delete_base(&base.id).await
    }

    async fn delete_file(&self, principal: &Principal, file: &FileId) -> Result<()> {
        self.store.delete_file(principal.tenant(), file).await?;
        for hash in self.store.orphans(usize::MAX).await? {
            self.store.remove(&hash).await?;
            self.store.orphan_removed(&hash).await?;
        }
        Ok(())
    }

    async fn not_ready(&self) -> Vec<String> {
        let tenant = TenantId::default_tenant();
        let page = Page { after: None, limit: 1 };
        self.store.files(&tenant, page).await.err().map(|error| error.to_string()).into_iter().collect()
    }
}

fn answered<T>(caller: &Caller, value: T) -> Answered<T> {
    Answered { call: caller.call.clone(), value, standing: Default::default() }
}

/// The end of an answer.
pub(crate) fn end() -> [ChatEvent; 2] {
    [ChatEvent::finish(yizhan_domain::FinishReason::Stop), ChatEvent::End { usage: Default::default() }]
}
