//! What the store in memory holds, and the changes that several calls share.

use crate::{
    Account, Base, BudgetLine, Chunk, ContentHash, Document, DocumentState, File, Job, Key, NewDocument, NewSection,
    Processed, Review, SealedSecret, Section, UsageCounts, UsageKey, unknown_section,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use yizhan_domain::{BaseId, ChunkId, DocumentId, Error, FileId, Money, Result, Sequence, TenantId};

/// Everything. Lists are in the order of creation, maps by number.
#[derive(Default)]
pub(super) struct State {
    pub bases: Vec<Base>,
    pub files: Vec<File>,
    pub documents: BTreeMap<u64, Entry>,
    pub outbox: BTreeMap<u64, Row>,
    pub keys: Vec<(String, Key)>,
    pub accounts: Accounts,
    /// By line and holder; the empty holder is what was set.
    pub drawn: HashMap<BudgetLine, HashMap<String, Money>>,
    pub blobs: HashMap<ContentHash, Vec<u8>>,
    pub usage: BTreeMap<UsageKey, UsageCounts>,
    pub usage_positions: HashMap<String, u64>,
    pub orphans: BTreeSet<ContentHash>,
    /// Oldest first.
    pub reviews: Vec<Review>,
    pub secrets: BTreeMap<String, SealedSecret>,
    last_document: u64,
    last_chunk: u64,
    last_sequence: u64,
}

/// Accounts in the order of creation.
pub(super) struct Accounts(pub Vec<Account>);

impl Default for Accounts {
    fn default() -> Self {
        Self(vec![Account::default_tenant()])
    }
}

/// A document with what belongs to it.
pub(super) struct Entry {
    pub document: Document,
    /// The file that the chunks were cut from, while another one waits to take its place.
    pub replaced: Option<FileId>,
    /// Leases that the end of a process cut short.
    pub interruptions: u32,
    pub chunks: Vec<KeptChunk>,
    pub sections: Vec<NewSection>,
    /// Its place in the queue.
    pub turn: u64,
    /// Queued: not to be claimed before. Processing: when the lease ends.
    pub due_ms: i64,
    /// The last lease that was given out.
    pub lease: u64,
}

/// A chunk as it was completed. Its document's name and file are added when it is read.
pub(super) struct KeptChunk {
    pub chunk: Chunk,
    pub vector: Vec<f32>,
    pub section: Option<usize>,
}

/// A row of the outbox.
pub(super) struct Row {
    pub base: BaseId,
    pub document: DocumentId,
    pub gone: bool,
}

impl Entry {
    pub(super) fn waits(&self) -> bool {
        matches!(self.document.state, DocumentState::Queued | DocumentState::Processing)
    }

    pub(super) fn chunk(&self, kept: &KeptChunk) -> Chunk {
        let file = self.replaced.as_ref().unwrap_or(&self.document.file).clone();
        Chunk { file, name: self.document.name.clone(), ..kept.chunk.clone() }
    }

    fn refers_to(&self, file: &FileId) -> bool {
        self.document.file == *file || self.replaced.as_ref() == Some(file)
    }

    pub(super) fn section_of(&self, chunk: ChunkId) -> Option<Section> {
        let position = self.chunks.iter().find(|kept| kept.chunk.id == chunk)?.section?;
        let NewSection { heading, text } = self.sections.get(position)?.clone();
        let of_section = self.chunks.iter().filter(|kept| kept.section == Some(position));
        Some(Section { heading, text, chunks: of_section.map(|kept| kept.chunk.id).collect() })
    }
}

impl State {
    pub(super) fn base(&self, id: &BaseId) -> Result<&Base> {
        self.bases.iter().find(|base| base.id == *id).ok_or_else(|| Error::not_found("knowledge base", id))
    }

    pub(super) fn file(&self, tenant: &TenantId, id: &FileId) -> Option<&File> {
        self.files.iter().find(|file| file.id == *id && file.tenant == *tenant)
    }

    pub(super) fn of_base(&self, base: &BaseId) -> impl Iterator<Item = &Entry> {
        self.documents.values().filter(move |entry| entry.document.base == *base)
    }

    /// A place behind everything that waits.
    fn next_turn(&self) -> u64 {
        self.documents.values().filter(|entry| entry.waits()).map(|entry| entry.turn).max().unwrap_or(0) + 1
    }

    pub(super) fn insert(&mut self, base: &BaseId, new: NewDocument, bytes: u64, now_ms: i64) -> DocumentId {
        self.last_document += 1;
        let id = DocumentId(self.last_document);
        let document = Document {
            id,
            base: base.clone(),
            file: new.file,
            source: new.source,
            name: new.name,
            hash: new.hash,
            attributes: new.attributes,
            state: DocumentState::Queued,
            reason: None,
            attempts: 0,
            chunks: 0,
            pages: None,
            bytes,
            created_ms: now_ms,
            updated_ms: now_ms,
        };
        let turn = self.next_turn();
        let (chunks, sections) = (Vec::new(), Vec::new());
        let entry = Entry { document, replaced: None, interruptions: 0, chunks, sections, turn, due_ms: 0, lease: 0 };
        self.documents.insert(id.0, entry);
        id
    }

    /// Queues new content of a document that is there; its chunks stay, with the file that they are from.
    pub(super) fn requeue(&mut self, id: DocumentId, new: NewDocument, bytes: u64, now_ms: i64) {
        let next = self.next_turn();
        let Some(Entry { document, replaced, interruptions, turn, due_ms, .. }) = self.documents.get_mut(&id.0) else {
            return;
        };
        (*turn, *due_ms, *interruptions) = (next, 0, 0);
        let before = document.file.clone();
        if document.chunks > 0 {
            replaced.get_or_insert_with(|| before.clone());
        }
        replaced.take_if(|file| *file == new.file);
        *document = Document {
            file: new.file,
            name: new.name,
            hash: new.hash,
            attributes: new.attributes,
            bytes,
            state: DocumentState::Queued,
            reason: None,
            attempts: 0,
            pages: None,
            updated_ms: now_ms,
            ..document.clone()
        };
        self.forget_unused(&before);
    }

    /// The chunks are gone that were cut from a replaced file: it is needed no longer.
    pub(super) fn let_go_of_replaced(&mut self, id: DocumentId) {
        let replaced = self.documents.get_mut(&id.0).and_then(|entry| entry.replaced.take());
        replaced.iter().for_each(|file| self.forget_unused(file));
    }

    /// Forgets a file to which no document refers.
    pub(super) fn forget_unused(&mut self, file: &FileId) {
        if !self.documents.values().any(|entry| entry.refers_to(file)) {
            self.forget_file(file);
        }
    }

    /// Forgets a file, and notes its content when no other file has it.
    pub(super) fn forget_file(&mut self, id: &FileId) {
        let Some(position) = self.files.iter().position(|file| file.id == *id) else { return };
        let hash = self.files.remove(position).hash;
        if !self.files.iter().any(|file| file.hash == hash) {
            self.orphans.insert(hash);
        }
    }

    /// The chunks of a document go, wherever they were cut from.
    pub(super) fn clear_chunks(&mut self, id: DocumentId) {
        if let Some(entry) = self.documents.get_mut(&id.0) {
            entry.document.chunks = 0;
            entry.chunks.clear();
            entry.sections.clear();
        }
        self.let_go_of_replaced(id);
        self.record_gone(id);
    }

    /// The document of a job, if its lease is still held.
    pub(super) fn held(&mut self, job: &Job) -> Option<&mut Entry> {
        self.documents
            .get_mut(&job.document.id.0)
            .filter(|entry| entry.document.state == DocumentState::Processing && entry.lease == job.lease)
    }

    /// Replaces the chunks of a job's document; none when the lease is not held.
    pub(super) fn complete(&mut self, job: &Job, processed: Processed, now_ms: i64) -> Result<Option<Sequence>> {
        let first = self.last_chunk + 1;
        let Some(entry) = self.held(job) else { return Ok(None) };
        let sections = processed.sections.len();
        if let Some(position) = processed.chunks.iter().filter_map(|chunk| chunk.section).find(|at| *at >= sections) {
            return Err(unknown_section(position));
        }
        let document = &mut entry.document;
        document.state = DocumentState::Ready;
        document.reason = None;
        document.pages = processed.pages;
        document.chunks = processed.chunks.len() as u64;
        document.updated_ms = now_ms;
        let (id, file) = (document.id, &document.file);
        let number = |(ordinal, new): (usize, crate::NewChunk)| KeptChunk {
            chunk: Chunk {
                id: ChunkId(first + ordinal as u64),
                document: id,
                file: file.clone(),
                name: String::new(),
                ordinal: ordinal as u32,
                text: new.text,
                heading: new.heading,
                lines: new.lines,
                tokens: new.tokens,
            },
            vector: new.vector,
            section: new.section,
        };
        entry.chunks = processed.chunks.into_iter().enumerate().map(number).collect();
        entry.sections = processed.sections;
        self.last_chunk += self.documents.get(&id.0).map_or(0, |entry| entry.document.chunks);
        self.let_go_of_replaced(id);
        Ok(Some(self.record(id, false)))
    }

    /// Other than the attributes, the name is a part of what is found.
    pub(super) fn rename(&mut self, id: DocumentId, name: String) {
        let Some(entry) = self.documents.get_mut(&id.0).filter(|entry| entry.document.name != name) else { return };
        entry.document.name = name;
        if self.outbox.values().any(|row| row.document == id && !row.gone) {
            self.record(id, false);
        }
    }

    /// The chunks of a document go, and with it the document itself unless it failed.
    pub(super) fn record_gone(&mut self, id: DocumentId) {
        if self.outbox.values().any(|row| row.document == id && !row.gone) {
            self.record(id, true);
        }
    }

    fn record(&mut self, id: DocumentId, gone: bool) -> Sequence {
        self.last_sequence += 1;
        self.outbox.retain(|_, row| row.document != id);
        if let Some(entry) = self.documents.get(&id.0) {
            let base = entry.document.base.clone();
            self.outbox.insert(self.last_sequence, Row { base, document: id, gone });
        }
        Sequence(self.last_sequence)
    }

    pub(super) fn delete_document(&mut self, id: DocumentId) -> Result<()> {
        if !self.documents.contains_key(&id.0) {
            return Err(Error::not_found("document", id));
        }
        self.record_gone(id);
        let replaced = self.documents.remove(&id.0).and_then(|entry| entry.replaced);
        replaced.iter().for_each(|file| self.forget_unused(file));
        Ok(())
    }
}
