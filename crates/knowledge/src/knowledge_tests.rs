use super::*;
use crate::{Ingestor, SearchOptions};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;
use yizhan_domain::{ErrorCode, LineSpan, ModelName};
use yizhan_index::{MemoryTextIndex, MemoryVectorIndex, TextIndex, VectorIndex};
use yizhan_model::{ChatModel, EmbedKind, RerankModel};
use yizhan_store::{BaseSettings, ContentHash, DocumentState, MemoryStore, NewChunk, Processed};
use yizhan_testkit::ScriptedEmbed;

const DIMENSIONS: usize = 16;
const LEASE: std::time::Duration = std::time::Duration::from_secs(60);

struct InMemory;

impl IndexFactory for InMemory {
    fn text(&self, _: &Base) -> Result<Arc<dyn TextIndex>> {
        Ok(Arc::new(MemoryTextIndex::default()))
    }
    fn vector(&self, _: &Base, dimensions: usize) -> Result<Arc<dyn VectorIndex>> {
        Ok(Arc::new(MemoryVectorIndex::new(dimensions)))
    }
    fn remove(&self, _: &BaseId) -> Result<()> {
        Ok(())
    }
}

/// An embedding model that is there, or is not.
#[derive(Default)]
struct Registry(AtomicBool);

impl ModelRegistry for Registry {
    fn embed(&self, name: &ModelName) -> Result<Arc<dyn EmbedModel>> {
        match self.0.load(Ordering::SeqCst) {
            true => Ok(Arc::new(ScriptedEmbed::new(name.as_str(), DIMENSIONS))),
            false => Err(Error::new(ErrorCode::ModelNotFound, "It is not installed.")),
        }
    }
    fn chat(&self, _: &ModelName) -> Result<Arc<dyn ChatModel>> {
        Err(Error::new(ErrorCode::ModelNotFound, "There is none."))
    }
    fn rerank(&self, _: &ModelName) -> Result<Arc<dyn RerankModel>> {
        Err(Error::new(ErrorCode::ModelNotFound, "There is none."))
    }
    fn chat_models(&self) -> Vec<ModelName> {
        Vec::new()
    }
    fn embed_models(&self) -> Vec<ModelName> {
        Vec::new()
    }
}

/// Contents in memory; putting ends, and removing begins, when the gate lets it.
struct Gated {
    inner: MemoryStore,
    puts: Semaphore,
    removals: Semaphore,
    /// Calls that have come to a gate.
    arrived: Semaphore,
}

impl Gated {
    async fn pass(&self, gate: &Semaphore) {
        self.arrived.add_permits(1);
        gate.acquire().await.unwrap().forget();
    }
}

#[async_trait]
impl BlobStore for Gated {
    async fn put(&self, bytes: Vec<u8>) -> Result<ContentHash> {
        let hash = self.inner.put(bytes).await?;
        self.pass(&self.puts).await;
        Ok(hash)
    }
    async fn get(&self, hash: &ContentHash) -> Result<Vec<u8>> {
        self.inner.get(hash).await
    }
    async fn remove(&self, hash: &ContentHash) -> Result<()> {
        self.pass(&self.removals).await;
        self.inner.remove(hash).await
    }
}

struct House {
    knowledge: Arc<Knowledge>,
    store: MemoryStore,
    models: Arc<Registry>,
    blobs: Arc<Gated>,
    tenant: TenantId,
}

/// So many puts and removals pass their gates at once.
fn house(puts: usize, removals: usize) -> House {
    let (store, models) = (MemoryStore::new(), Arc::new(Registry::default()));
    let gate = Semaphore::new;
    let blobs = Gated { inner: store.clone(), puts: gate(puts), removals: gate(removals), arrived: gate(0) };
    let blobs = Arc::new(blobs);
    let options = yizhan_document::ParserOptions::new(Default::default());
    let knowledge = Knowledge::new(Parts {
        store: Arc::new(store.clone()),
        blobs: Arc::clone(&blobs) as Arc<dyn BlobStore>,
        models: Arc::clone(&models) as Arc<dyn ModelRegistry>,
        indexes: Arc::new(InMemory),
        parser: Arc::new(Parser::new(yizhan_process::Program::at("/nowhere"), options)),
    });
    House { knowledge: Arc::new(knowledge), store, models, blobs, tenant: TenantId::default_tenant() }
}

impl House {
    async fn base(&self) -> Base {
        let settings = BaseSettings { embedding: Some("e5".into()), ..BaseSettings::default() };
        self.store.create_base(&self.tenant, "manual", settings).await.unwrap()
    }

    fn add(&self) -> tokio::task::JoinHandle<Result<File>> {
        let (knowledge, tenant) = (Arc::clone(&self.knowledge), self.tenant.clone());
        tokio::spawn(async move { knowledge.add_file(&tenant, "a.txt", b"same bytes".to_vec(), "assistants").await })
    }

    fn delete(&self, file: &File) -> tokio::task::JoinHandle<Result<()>> {
        let (knowledge, tenant, file) = (Arc::clone(&self.knowledge), self.tenant.clone(), file.id.clone());
        tokio::spawn(async move { knowledge.delete_file(&tenant, &file).await })
    }

    async fn submit(&self, base: &Base, content: &str) -> Submitted {
        let bytes = content.as_bytes().to_vec();
        self.knowledge.add_document(base, "/a.txt", "a.txt", bytes, Map::new()).await.unwrap()
    }

    /// What an ingestor does after it has parsed and embedded.
    async fn complete(&self, base: &Base, text: &str) {
        let job = self.store.claim(Some(&base.id), LEASE).await.unwrap().unwrap();
        let model = ScriptedEmbed::new("e5", DIMENSIONS);
        let vector = model.embed(EmbedKind::Passage, vec![text.to_owned()]).await.unwrap().values;
        let lines = vec![LineSpan { start: 0, end: text.len() as u32, page: None, rect: None }];
        let chunk = NewChunk { text: text.to_owned(), heading: vec![], lines, section: None, tokens: 1, vector };
        let processed = Processed { pages: None, sections: vec![], chunks: vec![chunk] };
        self.store.complete(&job, processed).await.unwrap().unwrap();
        self.knowledge.tidy().await;
    }

    async fn search(&self, base: &Base, mode: SearchMode) -> Result<VecDeque<Found>> {
        let options = SearchOptions { mode, ..SearchOptions::default() };
        self.knowledge.search(base, "horse", &options).await.map(Into::into)
    }
}

/// Lets every other task go as far as it can without the gates.
async fn let_others_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn bytes_that_are_put_again_while_they_are_removed_stay() {
    let house = house(usize::MAX >> 4, 0);
    let file = house.add().await.unwrap().unwrap();
    house.blobs.arrived.forget_permits(usize::MAX >> 4);
    let removal = house.delete(&file);
    house.blobs.arrived.acquire().await.unwrap().forget();
    // The removal is decided on. Who adds the same bytes now must not be told that they are there already.
    let again = house.add();
    let_others_run().await;
    house.blobs.removals.add_permits(9);
    removal.await.unwrap().unwrap();
    let again = again.await.unwrap().unwrap();
    assert_eq!(house.blobs.get(&again.hash).await.unwrap(), b"same bytes");
}

#[tokio::test]
async fn bytes_whose_file_is_not_known_yet_stay() {
    let house = house(1, usize::MAX >> 4);
    let file = house.add().await.unwrap().unwrap();
    house.blobs.arrived.forget_permits(usize::MAX >> 4);
    let again = house.add();
    house.blobs.arrived.acquire().await.unwrap().forget();
    // The bytes are put, their file is not made.
    let removal = house.delete(&file);
    let_others_run().await;
    house.blobs.puts.add_permits(9);
    let again = again.await.unwrap().unwrap();
    removal.await.unwrap().unwrap();
    assert_eq!(house.blobs.get(&again.hash).await.unwrap(), b"same bytes");
    // And when that one goes too, so do they.
    house.delete(&again).await.unwrap().unwrap();
    assert_eq!(house.blobs.get(&again.hash).await.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_changed_document_leaves_nothing_behind() {
    let house = house(9, 9);
    let base = house.base().await;
    let old = house.submit(&base, "a horse").await.document;
    house.complete(&base, "a horse").await;
    let new = house.submit(&base, "a carriage").await.document;
    // Until the new content is there, the old one is found, cited from its file, and can be opened.
    let found = house.search(&base, SearchMode::Bm25).await.unwrap();
    assert_eq!((found[0].chunk.text.as_str(), &found[0].chunk.file), ("a horse", &old.file));
    assert_eq!(house.blobs.get(&old.hash).await.unwrap(), b"a horse");
    house.complete(&base, "a carriage").await;
    assert_eq!(house.blobs.get(&old.hash).await.unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(house.blobs.get(&new.hash).await.unwrap(), b"a carriage");
    let files = house.store.files(&house.tenant, yizhan_store::Page { after: None, limit: 9 }).await.unwrap();
    assert_eq!(files.into_iter().map(|file| file.id).collect::<Vec<_>>(), [new.file]);
}

#[tokio::test]
async fn words_are_found_and_bases_deleted_without_the_model() {
    let house = house(9, 9);
    let base = house.base().await;
    let document = house.submit(&base, "a horse").await.document;
    house.complete(&base, "a horse").await;
    assert_eq!(house.search(&base, SearchMode::Bm25).await.unwrap().len(), 1);
    for mode in [SearchMode::Dense, SearchMode::Hybrid] {
        let error = house.search(&base, mode).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ModelNotFound);
        assert!(error.message().contains("'manual'") && error.message().contains("bm25"), "{error}");
    }
    // Once the model is there, the vectors are found that were left out so far.
    house.models.0.store(true, Ordering::SeqCst);
    assert!(house.search(&base, SearchMode::Dense).await.unwrap()[0].cosine.is_some());
    let found = house.search(&base, SearchMode::Hybrid).await.unwrap();
    assert!(found[0].cosine.is_some() && found[0].bm25.is_some());
    house.models.0.store(false, Ordering::SeqCst);
    house.knowledge.delete_document(&base, document.id).await.unwrap();
    assert_eq!(house.search(&base, SearchMode::Bm25).await.unwrap(), []);
    house.knowledge.delete_base(&base.id).await.unwrap();
    house.models.0.store(true, Ordering::SeqCst);
    assert_eq!(house.search(&base, SearchMode::Dense).await.unwrap(), []);
}

#[tokio::test]
async fn a_document_that_keeps_ending_the_process_ends_as_failed() {
    let house = house(9, 9);
    let base = house.base().await;
    house.submit(&base, "a horse").await;
    for _ in 0..8 {
        house.store.claim(None, LEASE).await.unwrap().unwrap();
        house.store.release_leases().await.unwrap();
    }
    let ingestor = Ingestor::new(Arc::clone(&house.knowledge));
    let outcome = ingestor.step(None).await.unwrap().unwrap();
    assert_eq!(outcome.state, DocumentState::Failed);
    assert!(outcome.reason.unwrap().contains("ended 8 times"));
    assert!(ingestor.step(None).await.unwrap().is_none());
    // Added once more it gets another chance.
    house.submit(&base, "a horse").await;
    assert_eq!(house.store.claim(None, LEASE).await.unwrap().unwrap().interruptions, 0);
}
