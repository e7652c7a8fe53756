//! The open indexes of each base, kept level with the store's outbox.
//!
//! It does not know which drivers keep them: [`IndexFactory`] does.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex as AsyncMutex;
use yizhan_domain::{BaseId, Error, ErrorCode, Result, Sequence};
use yizhan_index::{Change, Entry, TextIndex, VectorIndex};
use yizhan_store::{Base, DocumentChange, DocumentStore};

/// Opens a base's indexes. Called on threads that may block.
pub trait IndexFactory: Send + Sync {
    /// The text index, wiped and empty when what is on disk cannot be used.
    fn text(&self, base: &Base) -> Result<Arc<dyn TextIndex>>;

    /// The vector index, likewise; vectors of another length or model than before: wiped.
    fn vector(&self, base: &Base, dimensions: usize) -> Result<Arc<dyn VectorIndex>>;

    /// Removes both from disk.
    fn remove(&self, base: &BaseId) -> Result<()>;
}

/// How many chunks are read from the store at once while catching up.
const BATCH_CHUNKS: usize = 512;
/// After this many chunks applied since the last time, indexes are made durable.
const FLUSH_AFTER: usize = 20_000;

/// The indexes of one base.
pub(crate) struct BaseIndexes {
    pub(crate) text: Arc<dyn TextIndex>,
    pub(crate) vector: Option<Arc<dyn VectorIndex>>,
    /// What the indexes have applied; held while more is being applied, so that changes are
    /// applied in order.
    level: AsyncMutex<Level>,
}

struct Level {
    applied: Sequence,
    unflushed: usize,
}

/// A base's place among the open ones; held while it is being opened, so that only one does it.
type Slot = Arc<AsyncMutex<Option<Arc<BaseIndexes>>>>;

/// All open bases.
pub(crate) struct Indexes {
    factory: Arc<dyn IndexFactory>,
    store: Arc<dyn DocumentStore>,
    open: Mutex<HashMap<BaseId, Slot>>,
}

impl Indexes {
    pub(crate) fn new(factory: Arc<dyn IndexFactory>, store: Arc<dyn DocumentStore>) -> Self {
        Self { factory, store, open: Mutex::default() }
    }

    /// The base's indexes, level with everything that the store has acknowledged so far.
    pub(crate) async fn current(&self, base: &Base, dimensions: Option<usize>) -> Result<Arc<BaseIndexes>> {
        let slot: Slot = Arc::clone(self.open.lock().entry(base.id.clone()).or_default());
        let indexes = {
            let mut slot = slot.lock().await;
            match &*slot {
                Some(indexes) => Arc::clone(indexes),
                None => Arc::clone(slot.insert(Arc::new(self.open_base(base, dimensions).await?))),
            }
        };
        match self.catch_up(base, &indexes).await {
            Ok(()) => Ok(indexes),
            // The index is older than what the outbox still tells: it is built again from the start.
            Err(error) if error.code() == ErrorCode::Conflict => {
                drop(indexes);
                self.remove(&base.id).await?;
                let indexes = Arc::new(self.open_base(base, dimensions).await?);
                self.catch_up(base, &indexes).await?;
                self.open.lock().insert(base.id.clone(), Arc::new(AsyncMutex::new(Some(Arc::clone(&indexes)))));
                Ok(indexes)
            }
            Err(error) => Err(error),
        }
    }

    async fn open_base(&self, base: &Base, dimensions: Option<usize>) -> Result<BaseIndexes> {
        let (factory, owned) = (Arc::clone(&self.factory), base.clone());
        let (text, vector) = blocking(move || {
            let text = factory.text(&owned)?;
            let vector = dimensions.map(|length| factory.vector(&owned, length)).transpose()?;
            Ok((text, vector))
        })
        .await?;
        let applied = vector.as_ref().map_or(text.applied(), |vector| vector.applied().min(text.applied()));
        Ok(BaseIndexes { text, vector, level: AsyncMutex::new(Level { applied, unflushed: 0 }) })
    }

    async fn catch_up(&self, base: &Base, indexes: &Arc<BaseIndexes>) -> Result<()> {
        let last = self.store.last_sequence(&base.id).await?;
        let mut level = indexes.level.lock().await;
        while level.applied < last {
            let changes = self.store.changes(&base.id, level.applied, BATCH_CHUNKS).await?;
            let Some(reached) = changes.last().map(|change| change.sequence) else {
                break;
            };
            let chunks: usize = changes.iter().map(|change| change.chunks.len()).sum();
            level.unflushed += chunks + changes.len();
            let flush = level.unflushed >= FLUSH_AFTER;
            let target = Arc::clone(indexes);
            blocking(move || {
                let changes: Vec<Change> = changes.into_iter().map(to_change).collect();
                target.text.apply(&changes)?;
                if let Some(vector) = &target.vector {
                    vector.apply(&changes)?;
                }
                if flush { target.flush() } else { Ok(()) }
            })
            .await?;
            level.applied = reached;
            if flush {
                level.unflushed = 0;
            }
        }
        Ok(())
    }

    /// Makes the indexes of every open base durable.
    pub(crate) async fn flush(&self) -> Result<()> {
        let slots: Vec<_> = self.open.lock().values().cloned().collect();
        for slot in slots {
            let Some(indexes) = slot.lock().await.clone() else { continue };
            let mut level = indexes.level.lock().await;
            if level.unflushed > 0 {
                let target = Arc::clone(&indexes);
                blocking(move || target.flush()).await?;
                level.unflushed = 0;
            }
        }
        Ok(())
    }

    /// Forgets a base and removes its indexes from disk.
    pub(crate) async fn remove(&self, base: &BaseId) -> Result<()> {
        let slot = self.open.lock().remove(base);
        if let Some(slot) = slot {
            slot.lock().await.take();
        }
        let (factory, base) = (Arc::clone(&self.factory), base.clone());
        blocking(move || factory.remove(&base)).await
    }
}

impl BaseIndexes {
    fn flush(&self) -> Result<()> {
        self.text.flush()?;
        self.vector.as_ref().map_or(Ok(()), |vector| vector.flush())
    }
}

fn to_change(change: DocumentChange) -> Change {
    let entries = change
        .chunks
        .into_iter()
        .map(|(chunk, vector)| Entry { chunk: chunk.id, heading: chunk.heading.join(" / "), text: chunk.text, vector })
        .collect();
    Change { sequence: change.sequence, document: change.document, entries }
}

/// Runs work that blocks on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal(format!("a background thread panicked: {error}"))),
    }
}
