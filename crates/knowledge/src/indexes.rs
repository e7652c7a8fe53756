//! The open indexes of each base, kept level with the store's outbox.
//!
//! The vector index is opened when someone first knows how long the vectors are, which takes the base's
//! embedding model; the text index needs nobody. It does not know which drivers keep them:
//! [`IndexFactory`] does.

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

/// A base's indexes for one search or change.
#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) text: Arc<dyn TextIndex>,
    /// None while nobody has said how long the vectors are.
    pub(crate) vector: Option<Arc<dyn VectorIndex>>,
}

/// The indexes of one base.
struct BaseIndexes {
    text: Arc<dyn TextIndex>,
    /// What the indexes have applied; held while more is being applied, so that changes are
    /// applied in order.
    level: AsyncMutex<Level>,
}

struct Level {
    text: Sequence,
    /// The vector index, once it is open, with what it has applied.
    vector: Option<(Arc<dyn VectorIndex>, Sequence)>,
    unflushed: usize,
}

impl Level {
    /// What every open index has applied.
    fn applied(&self) -> Sequence {
        self.vector.as_ref().map_or(self.text, |(_, vector)| self.text.min(*vector))
    }

    /// All open indexes are here now.
    fn reached(&mut self, sequence: Sequence) {
        self.text = self.text.max(sequence);
        if let Some((_, vector)) = &mut self.vector {
            *vector = sequence.max(*vector);
        }
    }
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

    /// The base's indexes, level with everything that the store has acknowledged so far. `dimensions` is the
    /// length of its vectors, where it has some and the caller knows it; without, the vector index may stay closed.
    pub(crate) async fn current(&self, base: &Base, dimensions: Option<usize>) -> Result<Current> {
        let indexes = self.open(base).await?;
        match self.catch_up(base, &indexes, dimensions).await {
            // An index is older than what the outbox still tells: they are built again from the start.
            Err(error) if error.code() == ErrorCode::Conflict => {
                drop(indexes);
                self.remove(&base.id).await?;
                let indexes = self.open(base).await?;
                self.catch_up(base, &indexes, dimensions).await
            }
            outcome => outcome,
        }
    }

    async fn open(&self, base: &Base) -> Result<Arc<BaseIndexes>> {
        let slot: Slot = Arc::clone(self.open.lock().entry(base.id.clone()).or_default());
        let mut slot = slot.lock().await;
        if let Some(indexes) = &*slot {
            return Ok(Arc::clone(indexes));
        }
        let (factory, owned) = (Arc::clone(&self.factory), base.clone());
        let text = blocking(move || factory.text(&owned)).await?;
        let level = AsyncMutex::new(Level { text: text.applied(), vector: None, unflushed: 0 });
        Ok(Arc::clone(slot.insert(Arc::new(BaseIndexes { text, level }))))
    }

    /// Opens the vector index if it is to be and is not yet, and applies what is new to every open one.
    async fn catch_up(&self, base: &Base, indexes: &BaseIndexes, dimensions: Option<usize>) -> Result<Current> {
        let last = self.store.last_sequence(&base.id).await?;
        let mut level = indexes.level.lock().await;
        if let (None, Some(length)) = (&level.vector, dimensions) {
            let (factory, owned) = (Arc::clone(&self.factory), base.clone());
            let vector = blocking(move || factory.vector(&owned, length)).await?;
            let applied = vector.applied();
            level.vector = Some((vector, applied));
        }
        let current = Current {
            text: Arc::clone(&indexes.text),
            vector: level.vector.as_ref().map(|(index, _)| Arc::clone(index)),
        };
        while level.applied() < last {
            let changes = self.store.changes(&base.id, level.applied(), BATCH_CHUNKS).await?;
            let Some(reached) = changes.last().map(|change| change.sequence) else {
                break;
            };
            let chunks: usize = changes.iter().map(|change| change.chunks.len()).sum();
            level.unflushed += chunks + changes.len();
            let flush = level.unflushed >= FLUSH_AFTER;
            let (target, text) = (current.clone(), level.text);
            blocking(move || {
                let changes: Vec<Change> = changes.into_iter().map(to_change).collect();
                // Where the vector index is far behind, the text index need not do everything again.
                let new = changes.partition_point(|change| change.sequence <= text);
                target.text.apply(&changes[new..])?;
                if let Some(vector) = &target.vector {
                    vector.apply(&changes)?;
                }
                if flush { target.flush() } else { Ok(()) }
            })
            .await?;
            level.reached(reached);
            if flush {
                level.unflushed = 0;
            }
        }
        Ok(current)
    }

    /// Makes the indexes of every open base durable.
    pub(crate) async fn flush(&self) -> Result<()> {
        let slots: Vec<_> = self.open.lock().values().cloned().collect();
        for slot in slots {
            let Some(indexes) = slot.lock().await.clone() else { continue };
            let mut level = indexes.level.lock().await;
            if level.unflushed > 0 {
                let vector = level.vector.as_ref().map(|(index, _)| Arc::clone(index));
                let target = Current { text: Arc::clone(&indexes.text), vector };
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

impl Current {
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
