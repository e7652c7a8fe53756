//! The two traits and the changes that feed them.
//!
//! It does not know where changes come from, or how an index keeps them.

use yizhan_domain::{ChunkId, DocumentId, Result, Sequence};

/// One chunk on its way into the indexes.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The chunk's number.
    pub chunk: ChunkId,
    /// Headings from the outermost to the innermost, joined by ` / `; may be empty.
    pub heading: String,
    /// The text.
    pub text: String,
    /// Its unit vector; empty where the base has no embedding model.
    pub vector: Vec<f32>,
}

/// A document's new state. Applying a change twice is the same as once.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its position in the outbox; later ones are greater.
    pub sequence: Sequence,
    /// The document.
    pub document: DocumentId,
    /// All its chunks, replacing what was there; none: the document is gone.
    pub entries: Vec<Entry>,
}

/// Documents that a search is confined to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentSet(Vec<DocumentId>);

impl DocumentSet {
    /// From any order, with or without repetition.
    pub fn new(mut documents: Vec<DocumentId>) -> Self {
        documents.sort_unstable();
        documents.dedup();
        Self(documents)
    }

    /// Is it one of them?
    pub fn contains(&self, document: DocumentId) -> bool {
        self.0.binary_search(&document).is_ok()
    }

    /// In ascending order.
    pub fn as_slice(&self) -> &[DocumentId] {
        &self.0
    }
}

/// One result of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The chunk.
    pub chunk: ChunkId,
    /// Its document.
    pub document: DocumentId,
    /// Higher is better. Comparable within one search only.
    pub score: f32,
}

/// Full-text search. Methods block: call them on a thread that may.
pub trait TextIndex: Send + Sync {
    /// Applies changes in ascending order. When it returns, searches see them; they are durable
    /// after the next [`TextIndex::flush`], before which [`TextIndex::applied`] does not count them.
    fn apply(&self, changes: &[Change]) -> Result<()>;

    /// Makes everything applied durable.
    fn flush(&self) -> Result<()>;

    /// The last durable position: replay from here after a crash.
    fn applied(&self) -> Sequence;

    /// The best `top` chunks, best first; ties by chunk number. No words: no hits.
    fn search(&self, query: &str, top: usize, within: Option<&DocumentSet>) -> Result<Vec<Hit>>;

    /// Number of chunks.
    fn len(&self) -> usize;

    /// No chunk at all?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Nearest vectors by inner product (cosine, as all are of length 1). Methods block.
pub trait VectorIndex: Send + Sync {
    /// Length of a vector. Another length is an error, never a panic.
    fn dimensions(&self) -> usize;

    /// As [`TextIndex::apply`]. Entries with an empty vector are passed over, and so are those with
    /// a value that is not finite. A vector of another length refuses all the changes.
    fn apply(&self, changes: &[Change]) -> Result<()>;

    /// Makes everything applied durable.
    fn flush(&self) -> Result<()>;

    /// The last durable position.
    fn applied(&self) -> Sequence;

    /// The best `top` chunks by cosine, best first; ties by chunk number. `InvalidRequest` when the
    /// query is of another length or holds a value that is not finite.
    fn search(&self, query: &[f32], top: usize, within: Option<&DocumentSet>) -> Result<Vec<Hit>>;

    /// Number of vectors.
    fn len(&self) -> usize;

    /// No vector at all?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
