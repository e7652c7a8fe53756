//! The knowledge layer's handle: what the gateway and the command line ask of it.
//!
//! It does not know who asks, or over what.

use crate::indexes::{IndexFactory, Indexes};
use crate::search::{Found, SearchMode, SearchOptions, Searched, rank};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{Notify, RwLock};
use yizhan_document::Parser;
use yizhan_domain::{BaseId, DocumentId, Error, FileId, Result, TenantId};
use yizhan_index::DocumentSet;
use yizhan_model::{EmbedModel, ModelRegistry};
use yizhan_store::{Base, BlobStore, DocumentStore, File, NewDocument, NewFile, Submitted};

/// What the knowledge layer is assembled from.
#[derive(Clone)]
pub struct Parts {
    /// The truth.
    pub store: Arc<dyn DocumentStore>,
    /// Files' bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// Models by name.
    pub models: Arc<dyn ModelRegistry>,
    /// Opens indexes.
    pub indexes: Arc<dyn IndexFactory>,
    /// Parses files in child processes.
    pub parser: Arc<Parser>,
}

/// Knowledge bases: submitting, searching, deleting.
pub struct Knowledge {
    parts: Parts,
    indexes: Indexes,
    /// Shared by those who add a file, held alone by the one who removes bytes that no file has: without it, bytes
    /// could go that were put again a moment before their file was known.
    contents: RwLock<()>,
    /// Wakes ingestors when something was submitted.
    pub(crate) submitted: Notify,
}

/// How many of the best passages a reranker looks at.
pub const RERANK_DEPTH: usize = 20;

impl Knowledge {
    /// From its parts.
    pub fn new(parts: Parts) -> Self {
        let indexes = Indexes::new(Arc::clone(&parts.indexes), Arc::clone(&parts.store));
        Self { parts, indexes, contents: RwLock::default(), submitted: Notify::new() }
    }

    /// What it was assembled from.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Keeps a file's bytes and its name. The only way to add one while bytes may be removed.
    pub async fn add_file(&self, tenant: &TenantId, name: &str, bytes: Vec<u8>, purpose: &str) -> Result<File> {
        let length = bytes.len() as u64;
        let _adding = self.contents.read().await;
        let hash = self.parts.blobs.put(bytes).await?;
        let file =
            NewFile { tenant: tenant.clone(), name: name.to_owned(), hash, bytes: length, purpose: purpose.to_owned() };
        self.parts.store.create_file(file).await
    }

    /// Keeps a content and submits it as the document of that source. The same content again
    /// changes nothing but the name and the attributes.
    pub async fn add_document(
        &self,
        base: &Base,
        source: &str,
        name: &str,
        bytes: Vec<u8>,
        attributes: Map<String, Value>,
    ) -> Result<Submitted> {
        let file = self.add_file(&base.tenant, name, bytes, "assistants").await?;
        let document = NewDocument {
            file: file.id.clone(),
            source: source.to_owned(),
            name: name.to_owned(),
            hash: file.hash.clone(),
            attributes,
        };
        let submitted = self.submit(base, document).await?;
        if submitted.document.file != file.id {
            // The content was there: the second file record would belong to nobody. It is no orphan, as the first has it.
            self.parts.store.delete_file(&base.tenant, &file.id).await?;
        }
        Ok(submitted)
    }

    /// Submits a document and wakes the ingestors.
    pub async fn submit(&self, base: &Base, document: NewDocument) -> Result<Submitted> {
        let submitted = self.parts.store.submit(&base.id, document).await?;
        if !submitted.unchanged {
            self.submitted.notify_waiters();
            self.tidy().await;
        }
        Ok(submitted)
    }

    /// The best passages of a base. What the store acknowledged before the call is found.
    pub async fn search(&self, base: &Base, query: &str, options: &SearchOptions) -> Result<Vec<Found>> {
        self.search_counted(base, query, options).await.map(|searched| searched.found)
    }

    /// [`Knowledge::search`], with what it took.
    pub async fn search_counted(&self, base: &Base, query: &str, options: &SearchOptions) -> Result<Searched> {
        if query.trim().is_empty() {
            return Err(Error::invalid("query", "The query is empty: say what to look for."));
        }
        let embed = match options.mode {
            // Words are found without the model, which may not even be installed.
            SearchMode::Bm25 => None,
            SearchMode::Dense | SearchMode::Hybrid => self.embed_model(base).map_err(|error| {
                error.context(format!("Searching '{}' by meaning (searching it by bm25 still works)", base.name))
            })?,
        };
        if embed.is_none() && options.mode == SearchMode::Dense {
            let message = format!(
                "The knowledge base '{}' has no embedding model, so it has no vectors: search it by bm25 or hybrid.",
                base.name
            );
            return Err(Error::invalid("mode", message));
        }
        let indexes = self.indexes.current(base, embed.as_ref().map(|model| model.dimensions())).await?;
        let within = match &options.filter {
            Some(filter) => Some(DocumentSet::new(self.parts.store.documents_matching(&base.id, filter).await?)),
            None => None,
        };
        let top = if options.rerank.is_some() { options.top.max(RERANK_DEPTH) } else { options.top };
        let ranked = rank(indexes, embed, query, options.mode, top, within).await?;
        let ids: Vec<_> = ranked.hits.iter().map(|hit| hit.chunk).collect();
        let mut chunks: HashMap<u64, _> =
            self.parts.store.chunks(&ids).await?.into_iter().map(|chunk| (chunk.id.0, chunk)).collect();
        let mut found: Vec<Found> = ranked
            .hits
            .iter()
            .filter(|hit| hit.score >= options.min_score)
            .filter_map(|hit| {
                // Gone since the index looked: deleted or replaced this moment.
                let chunk = chunks.remove(&hit.chunk.0)?;
                let (cosine, bm25) = (ranked.cosine.get(&hit.chunk.0), ranked.bm25.get(&hit.chunk.0));
                Some(Found { chunk, score: hit.score, cosine: cosine.copied(), bm25: bm25.copied() })
            })
            .collect();
        let mut judged_bytes = 0;
        if let Some(model) = &options.rerank {
            judged_bytes = found.iter().map(|one| one.chunk.text.len() + query.len()).sum();
            found = self.rerank(model, query, found).await?;
        }
        found.truncate(options.top);
        Ok(Searched { found, query_tokens: ranked.query_tokens, judged_bytes })
    }

    async fn rerank(&self, model: &yizhan_domain::ModelName, query: &str, mut found: Vec<Found>) -> Result<Vec<Found>> {
        let reranker = self.parts.models.rerank(model)?;
        let passages = found.iter().map(|one| one.chunk.text.clone()).collect();
        let scores = reranker.rerank(query, passages).await?;
        for (one, score) in found.iter_mut().zip(scores) {
            one.score = score;
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.id.cmp(&b.chunk.id)));
        Ok(found)
    }

    /// The model that made the base's vectors; none for a base of full text only.
    pub fn embed_model(&self, base: &Base) -> Result<Option<Arc<dyn EmbedModel>>> {
        base.settings.embedding.as_ref().map(|name| self.parts.models.embed(name)).transpose()
    }

    /// Brings a base's indexes level with the store. Where its embedding model is not installed, the vector index
    /// follows when it is next used.
    pub async fn level(&self, base: &Base) -> Result<()> {
        let dimensions = self.embed_model(base).ok().flatten().map(|model| model.dimensions());
        self.indexes.current(base, dimensions).await.map(drop)
    }

    /// Why this is not ready to serve, in words; empty when it is.
    pub async fn not_ready(&self) -> Vec<String> {
        match self.parts.store.bases(&TenantId::default_tenant()).await {
            Ok(_) => Vec::new(),
            Err(error) => vec![format!("the store cannot be read: {error}")],
        }
    }

    /// Makes every open index durable; what is not would be replayed at the next start.
    pub async fn flush(&self) -> Result<()> {
        self.indexes.flush().await
    }

    /// Removes a document; searches no longer find it when this returns.
    pub async fn delete_document(&self, base: &Base, document: DocumentId) -> Result<()> {
        self.parts.store.delete_document(document).await?;
        self.tidy().await;
        self.level(base).await
    }

    /// Removes a base with its indexes.
    pub async fn delete_base(&self, base: &BaseId) -> Result<()> {
        self.parts.store.delete_base(base).await?;
        self.tidy().await;
        self.indexes.remove(base).await
    }

    /// Removes a file with its bytes and every document made from it.
    pub async fn delete_file(&self, tenant: &TenantId, file: &FileId) -> Result<()> {
        self.parts.store.delete_file(tenant, file).await?;
        for base in self.parts.store.bases(tenant).await? {
            // Indexes catch up before every search too: one that cannot now is no reason to fail what has
            // nothing to do with it.
            if let Err(error) = self.level(&base).await {
                tracing::warn!(%error, base = base.name, "an index did not follow a deletion yet");
            }
        }
        self.remove_orphans().await
    }

    /// Removes bytes that no file has any more, also those that an earlier process left.
    pub async fn remove_orphans(&self) -> Result<()> {
        loop {
            let Some(hash) = self.parts.store.orphans(1).await?.pop() else { return Ok(()) };
            let _alone = self.contents.write().await;
            // It may have found a file since.
            if self.parts.store.orphans(1).await?.contains(&hash) {
                self.parts.blobs.remove(&hash).await?;
                self.parts.store.orphan_removed(&hash).await?;
            }
        }
    }

    /// [`Knowledge::remove_orphans`] beside work that must not fail for it: what is left is removed next time.
    pub(crate) async fn tidy(&self) {
        if let Err(error) = self.remove_orphans().await {
            tracing::warn!(%error, "bytes that no file has any more could not be removed yet");
        }
    }
}

#[cfg(test)]
#[path = "knowledge_tests.rs"]
mod tests;
