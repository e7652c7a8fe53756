//! Knowledge bases, files, documents, chunks, the jobs that make them, and the outbox.
//!
//! A *file* is bytes with a name. A *document* is a file's membership in a base: its state, its
//! chunks, its vectors. Every change of what a base holds gets the next number of the base's
//! outbox in the same transaction; indexes follow the outbox.
//!
//! This module does not know how chunks are cut or vectors computed.

use crate::{ContentHash, Filter};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;
use yizhan_domain::{BaseId, ChunkId, DocumentId, FileId, LineSpan, ModelName, Result, Sequence, TenantId};

/// How documents are cut into chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Chunking {
    /// A sliding window, counted in the embedding model's tokens.
    Window {
        /// Length of a window.
        tokens: u32,
        /// How much of it the next one repeats.
        overlap: u32,
    },
    /// Along headings, paragraphs, lists, tables and code; each chunk points to its section.
    Structure {
        /// A chunk's most tokens.
        tokens: u32,
    },
}

impl Default for Chunking {
    fn default() -> Self {
        Chunking::Window { tokens: 128, overlap: 32 }
    }
}

/// What is decided when a base is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BaseSettings {
    /// Model of the vectors; none: full text only.
    pub embedding: Option<ModelName>,
    /// How documents are cut.
    #[serde(default)]
    pub chunking: Chunking,
    /// Words that segmentation keeps whole.
    #[serde(default)]
    pub dictionary: Vec<String>,
}

/// A knowledge base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Base {
    /// Its id, `vs_…`.
    pub id: BaseId,
    /// Whose.
    pub tenant: TenantId,
    /// Unique within the tenant.
    pub name: String,
    /// Its settings.
    pub settings: BaseSettings,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
}

/// Counts of a base.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseStats {
    /// Documents in any state.
    pub documents: u64,
    /// Chunks that can be found: those of ready documents, and the old ones of documents whose new
    /// content is not ready yet.
    pub chunks: u64,
    /// Bytes of the documents' files.
    pub bytes: u64,
    /// Documents by state; states without documents are left out.
    pub states: BTreeMap<DocumentState, u64>,
}

/// A file to be kept; its bytes are in the blob store already.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFile {
    /// Whose.
    pub tenant: TenantId,
    /// Name as shown to people.
    pub name: String,
    /// Its bytes.
    pub hash: ContentHash,
    /// How many bytes.
    pub bytes: u64,
    /// OpenAI's purpose, e.g. `assistants`.
    pub purpose: String,
}

/// A kept file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// Its id, `file-…`.
    pub id: FileId,
    /// Whose.
    pub tenant: TenantId,
    /// Name as shown to people.
    pub name: String,
    /// Its bytes.
    pub hash: ContentHash,
    /// How many bytes.
    pub bytes: u64,
    /// OpenAI's purpose.
    pub purpose: String,
    /// When it was added, milliseconds since 1970.
    pub created_ms: i64,
}

/// Where a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// Waiting for a worker.
    Queued,
    /// A worker holds a lease on it.
    Processing,
    /// Its chunks can be found.
    Ready,
    /// It cannot be used; the reason says why. It is not tried again by itself.
    Failed,
}

/// A document to be made from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDocument {
    /// The file.
    pub file: FileId,
    /// What makes it the same document when it is added again: a path or a file id.
    pub source: String,
    /// Name as shown to people.
    pub name: String,
    /// The file's bytes.
    pub hash: ContentHash,
    /// Attributes for filters.
    pub attributes: Map<String, Value>,
}

/// A file's membership in a base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its number.
    pub id: DocumentId,
    /// Its base.
    pub base: BaseId,
    /// Its file.
    pub file: FileId,
    /// What makes it the same when added again.
    pub source: String,
    /// Name as shown to people.
    pub name: String,
    /// The content that was last submitted.
    pub hash: ContentHash,
    /// Attributes for filters.
    pub attributes: Map<String, Value>,
    /// Where it stands.
    pub state: DocumentState,
    /// Why it failed, or why the last attempt did.
    pub reason: Option<String>,
    /// Attempts since it was last submitted, without those that the end of a process cut short.
    pub attempts: u32,
    /// Number of its chunks that can be found; the old ones until new content is ready.
    pub chunks: u64,
    /// Number of its pages; none where the format has none or it is not ready.
    pub pages: Option<u32>,
    /// Bytes of its file.
    pub bytes: u64,
    /// When it was first added, milliseconds since 1970.
    pub created_ms: i64,
    /// When its state last changed.
    pub updated_ms: i64,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// The document as it now is.
    pub document: Document,
    /// The same content was there already, ready or on its way: nothing was queued.
    pub unchanged: bool,
}

/// A lease on a document that is to be processed. It ends at its deadline, after which another
/// worker may claim the document; while none has, it is still held, so that late work is not lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The document as claimed; `state` is `Processing`.
    pub document: Document,
    /// Its base.
    pub base: Base,
    /// Distinguishes this lease from every other one on the same document.
    pub lease: u64,
    /// 1 for the first attempt. Those that the end of a process cut short do not count.
    pub attempt: u32,
    /// Leases on this content that the end of a process cut short; see [`DocumentStore::release_leases`].
    pub interruptions: u32,
}

/// A part of a document under one heading; small chunks point to it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSection {
    /// Headings from the outermost to the innermost.
    pub heading: Vec<String>,
    /// Its whole text.
    pub text: String,
}

/// A chunk to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewChunk {
    /// Its text.
    pub text: String,
    /// Headings from the outermost to the innermost.
    pub heading: Vec<String>,
    /// Its lines in order; they cover the text but for white space between them.
    pub lines: Vec<LineSpan>,
    /// Its section, as a position in [`Processed::sections`].
    pub section: Option<usize>,
    /// Tokens as the embedding model counts them.
    pub tokens: u32,
    /// Its unit vector; empty where the base has no embedding model.
    pub vector: Vec<f32>,
}

/// What became of a document's file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Processed {
    /// Number of pages, where the format has some.
    pub pages: Option<u32>,
    /// Sections.
    pub sections: Vec<NewSection>,
    /// Chunks in reading order.
    pub chunks: Vec<NewChunk>,
}

/// A kept chunk with what a citation needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its number.
    pub id: ChunkId,
    /// Its document.
    pub document: DocumentId,
    /// The file that it was cut from: the document's, or the one before while the new content waits.
    pub file: FileId,
    /// The document's name.
    pub name: String,
    /// Position in the document, from 0.
    pub ordinal: u32,
    /// Its text.
    pub text: String,
    /// Headings from the outermost to the innermost.
    pub heading: Vec<String>,
    /// Its lines.
    pub lines: Vec<LineSpan>,
    /// Tokens as the embedding model counts them.
    pub tokens: u32,
}

/// A kept section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Headings from the outermost to the innermost.
    pub heading: Vec<String>,
    /// Its whole text.
    pub text: String,
    /// Its chunks in order.
    pub chunks: Vec<ChunkId>,
}

/// A document's state as of one position of the outbox or later.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentChange {
    /// The position. Of several changes to one document only the last is listed.
    pub sequence: Sequence,
    /// The document.
    pub document: DocumentId,
    /// Its chunks with their vectors, as they now are; none when it is gone.
    pub chunks: Vec<(Chunk, Vec<f32>)>,
}

/// One page of a long list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Continue after this id; from the start when none.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// Keeps bases, files, documents and jobs. What a method acknowledged survives a crash.
///
/// **A replaced file.** A document that is submitted with another file keeps its chunks until the new
/// content is ready, and they are cited, so the file that they were cut from stays too. It is forgotten
/// in the transaction in which those chunks go: by completion, by failing for good, or with the document
/// or its base. A file that was replaced before any chunk came of it is forgotten at once. In
/// either case only when no other document refers to it.
///
/// **Orphans.** When the last file with a content is forgotten, in whatever way, the same transaction
/// notes the content as an orphan. Whoever keeps the bytes removes them and says so; until then, also
/// after a crash, it is listed by [`DocumentStore::orphans`]. A new file with the content takes it
/// off the list. Between reading the list and removing the bytes no file may be made: the caller sees to that.
#[async_trait]
pub trait DocumentStore: Send + Sync {
    /// Makes a base; `Conflict` when the tenant has one of that name, `InvalidRequest` when the
    /// name is empty, longer than 64 characters, or has others than letters, digits, `.`, `_`, `-`
    /// (letters of any script; see [`check_base_name`](crate::check_base_name)).
    async fn create_base(&self, tenant: &TenantId, name: &str, settings: BaseSettings) -> Result<Base>;

    /// The tenant's base of that id, or else of that name.
    async fn base(&self, tenant: &TenantId, name_or_id: &str) -> Result<Option<Base>>;

    /// The tenant's bases, oldest first.
    async fn bases(&self, tenant: &TenantId) -> Result<Vec<Base>>;

    /// Renames a base; errors as in `create_base`, and `NotFound`.
    async fn rename_base(&self, base: &BaseId, name: &str) -> Result<Base>;

    /// Removes a base with its documents, chunks and jobs; fine when it is not there. Its files
    /// stay, but for replaced ones: they are the tenant's. Lists of what a missing base holds are empty.
    async fn delete_base(&self, base: &BaseId) -> Result<()>;

    /// Counts of a base; `NotFound` when there is none.
    async fn base_stats(&self, base: &BaseId) -> Result<BaseStats>;

    /// Keeps a file.
    async fn create_file(&self, file: NewFile) -> Result<File>;

    /// The tenant's file of that id.
    async fn file(&self, tenant: &TenantId, id: &FileId) -> Result<Option<File>>;

    /// The tenant's files, newest first; `after` is a file's id, `InvalidRequest` when it is none of
    /// the tenant's.
    async fn files(&self, tenant: &TenantId, page: Page) -> Result<Vec<File>>;

    /// Forgets a file, and every document made from it. A document that has new content waiting stays,
    /// but loses the chunks that were cut from this file. `NotFound` when there is none.
    async fn delete_file(&self, tenant: &TenantId, id: &FileId) -> Result<()>;

    /// Contents that no file has any more and whose bytes are still to be removed, at most so many, by hash.
    async fn orphans(&self, limit: usize) -> Result<Vec<ContentHash>>;

    /// An orphan's bytes are removed; fine when it is none.
    async fn orphan_removed(&self, hash: &ContentHash) -> Result<()>;

    /// Adds a document, or replaces the one with the same source. The same hash, when ready or on
    /// its way, changes nothing but the attributes and the name; anything else is queued, and until
    /// the new content is ready the old chunks stay, and the file that they were cut from. A failed document
    /// is queued again. `NotFound` when the base or the file is not there, or the file is another tenant's.
    async fn submit(&self, base: &BaseId, document: NewDocument) -> Result<Submitted>;

    /// A document by its number.
    async fn document(&self, id: DocumentId) -> Result<Option<Document>>;

    /// The document that a file is in a base.
    async fn document_of_file(&self, base: &BaseId, file: &FileId) -> Result<Option<Document>>;

    /// A base's documents in any state, oldest first; `after` is a document's number (which need
    /// not be there any more), `InvalidRequest` when it is no number.
    async fn documents(&self, base: &BaseId, page: Page) -> Result<Vec<Document>>;

    /// Numbers of a base's documents that meet a condition, ascending.
    async fn documents_matching(&self, base: &BaseId, filter: &Filter) -> Result<Vec<DocumentId>>;

    /// Removes a document with its chunks and job; its file stays, but not one that it had replaced.
    /// `NotFound` when there is none.
    async fn delete_document(&self, id: DocumentId) -> Result<()>;

    /// Takes the document that was submitted first of those that wait, and are not to wait for a
    /// retry, or whose lease has run out; in one base or any.
    async fn claim(&self, base: Option<&BaseId>, lease: Duration) -> Result<Option<Job>>;

    /// Prolongs a lease from now; false when it is no longer held.
    async fn extend(&self, job: &Job, lease: Duration) -> Result<bool>;

    /// Replaces the document's chunks and makes it ready, in one transaction with the outbox.
    /// `None`, and nothing changes, when the lease is no longer held or the document was
    /// resubmitted or removed meanwhile. `Internal`, and nothing changes, when a chunk points to a
    /// section that is not there.
    async fn complete(&self, job: &Job, processed: Processed) -> Result<Option<Sequence>>;

    /// Ends a lease without success: queued again after a delay, or failed for good when none.
    /// A document that fails for good loses its old chunks. False when no longer held.
    async fn fail(&self, job: &Job, reason: &str, retry_after: Option<Duration>) -> Result<bool>;

    /// Queues every document in `Processing` again. Only for a process that knows that no other
    /// one works on this store. Returns how many.
    ///
    /// The attempts that were under way do not count as such: it was not the documents that failed. They
    /// count as interruptions, so that a document that itself ends the process can be told in the end.
    async fn release_leases(&self) -> Result<u64>;

    /// Changes after a position in ascending order, at most about `limit` chunks (a document without
    /// chunks counts as one) but at least one change if there is one.
    ///
    /// A change is recorded when a document becomes ready, and when a document that was once ready
    /// loses its chunks. A store may forget the oldest deletions: `Conflict` when they are asked for
    /// (never from position 0); the index is then to be rebuilt from 0.
    async fn changes(&self, base: &BaseId, after: Sequence, limit: usize) -> Result<Vec<DocumentChange>>;

    /// The last position of a base's outbox.
    async fn last_sequence(&self, base: &BaseId) -> Result<Sequence>;

    /// Chunks by number, in the order asked; those that are gone are left out.
    async fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<Chunk>>;

    /// The section that a chunk points to, if it points to one.
    async fn section_of(&self, chunk: ChunkId) -> Result<Option<Section>>;
}
