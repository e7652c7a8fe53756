//! [`TantivyIndex`]: BM25 over words, character pairs and headings, kept in a directory.
//!
//! It does not know the store. One writing thread, one merging thread, both only while there is
//! something to write; readers never wait for them.

use super::collect::{Best, CHUNK, DOCUMENT};
use super::query::{Fields, build};
use super::segment::UserWords;
use super::terms;
use crate::{Change, DocumentSet, Entry, Hit, TextIndex};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tantivy::directory::MmapDirectory;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::schema::{FAST, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term};
use yizhan_domain::{Error, ErrorCode, Result, Sequence};

/// Changes with the form of the terms: an index of another version is made anew.
const VERSION: u32 = 1;
/// Memory for the words of chunks that are not yet written, bytes.
const WRITER_MEMORY: usize = 32_000_000;
/// What the terms are called; only a fingerprint of a foreign schema needs them.
const ANALYSED: &str = "raw";

/// What each commit says about itself.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct Payload {
    version: u32,
    dictionary: u64,
    sequence: u64,
}

/// A full-text index in a directory of its own.
pub struct TantivyIndex {
    directory: PathBuf,
    index: Index,
    reader: IndexReader,
    fields: Fields,
    user: UserWords,
    dictionary: u64,
    /// Made by the first change, so that an index that is only read holds no lock and no threads.
    writer: Mutex<Option<IndexWriter>>,
    seen: AtomicU64,
    durable: AtomicU64,
}

impl TantivyIndex {
    /// Opens the index in `directory`, or makes it there when the directory is empty or missing.
    /// `dictionary` are the base's own words, one a line.
    ///
    /// # Errors
    /// `InvalidConfig` when what is there is damaged, foreign, or made with another dictionary or
    /// version: empty the directory, open it again, and replay from sequence 0. `Conflict` when
    /// another process writes to it. `Io` when the disk fails.
    pub fn open(directory: &Path, dictionary: &[String]) -> Result<Self> {
        guarded(directory, || Self::open_checked(directory, dictionary))
    }

    fn open_checked(directory: &Path, dictionary: &[String]) -> Result<Self> {
        let user = UserWords::new(dictionary);
        let fingerprint = user.fingerprint();
        let (schema, fields) = schema();
        std::fs::create_dir_all(directory)
            .map_err(|error| Error::io(format!("making the directory {} failed", directory.display()), error))?;
        let fresh = is_empty(directory)?;
        let mapped = MmapDirectory::open(directory).map_err(|error| failure(directory, error.into()))?;
        let index =
            if fresh { Index::create(mapped, schema.clone(), IndexSettings::default()) } else { Index::open(mapped) }
                .map_err(|error| failure(directory, error))?;
        if index.schema() != schema {
            return Err(rebuild(directory, "its fields are not those of a text index of this version"));
        }
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(|error| failure(directory, error))?;
        let opened = Self {
            directory: directory.to_owned(),
            index,
            reader,
            fields,
            user,
            dictionary: fingerprint,
            writer: Mutex::new(None),
            seen: AtomicU64::new(0),
            durable: AtomicU64::new(0),
        };
        opened.read_payload()?;
        Ok(opened)
    }

    /// Checks what the last commit says about itself, and takes its position.
    fn read_payload(&self) -> Result<()> {
        let meta = self.index.load_metas().map_err(|error| failure(&self.directory, error))?;
        let Some(text) = meta.payload else {
            // Made, but nothing was ever written: the first commit will say what it is.
            let empty = meta.segments.is_empty();
            return if empty { Ok(()) } else { Err(rebuild(&self.directory, "it does not say what it holds")) };
        };
        let payload: Payload = serde_json::from_str(&text)
            .map_err(|error| rebuild(&self.directory, &format!("its commit cannot be read ({error})")))?;
        if payload.version != VERSION {
            return Err(rebuild(&self.directory, "it was written by another version"));
        }
        if payload.dictionary != self.dictionary {
            return Err(rebuild(&self.directory, "it was made with another dictionary"));
        }
        self.seen.store(payload.sequence, Ordering::Release);
        self.durable.store(payload.sequence, Ordering::Release);
        Ok(())
    }

    fn make_writer(&self) -> Result<IndexWriter> {
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(WRITER_MEMORY)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer = self.index.writer_with_options(options).map_err(|error| failure(&self.directory, error))?;
        let mut merging = LogMergePolicy::default();
        merging.set_del_docs_ratio_before_merge(0.3);
        writer.set_merge_policy(Box::new(merging));
        Ok(writer)
    }

    fn write(&self, writer: &mut IndexWriter, changes: &[Change]) -> Result<()> {
        let fail = |error| failure(&self.directory, error);
        for change in changes {
            writer.delete_term(Term::from_field_u64(self.fields.document, change.document.0));
            for entry in &change.entries {
                writer.add_document(self.document(change, entry)).map_err(fail)?;
            }
        }
        let last = changes.iter().map(|change| change.sequence.0).max().unwrap_or_default();
        let sequence = self.seen.load(Ordering::Acquire).max(last);
        let payload = Payload { version: VERSION, dictionary: self.dictionary, sequence };
        let payload = serde_json::to_string(&payload).map_err(|error| Error::internal(error.to_string()))?;
        let mut commit = writer.prepare_commit().map_err(fail)?;
        commit.set_payload(&payload);
        commit.commit().map_err(fail)?;
        self.reader.reload().map_err(fail)?;
        self.seen.store(sequence, Ordering::Release);
        Ok(())
    }

    fn document(&self, change: &Change, entry: &Entry) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_u64(self.fields.chunk, entry.chunk.0);
        document.add_u64(self.fields.document, change.document.0);
        let body = terms::of_text(&entry.text, &self.user);
        document.add_pre_tokenized_text(self.fields.words, tokens(body.words));
        document.add_pre_tokenized_text(self.fields.grams, tokens(body.grams));
        if !entry.heading.is_empty() {
            let heading = terms::of_text(&entry.heading, &self.user);
            let all = heading.words.into_iter().chain(heading.grams).collect();
            document.add_pre_tokenized_text(self.fields.heading, tokens(all));
        }
        document
    }
}

impl TextIndex for TantivyIndex {
    fn apply(&self, changes: &[Change]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        guarded(&self.directory, || {
            let mut slot = self.writer.lock();
            let mut writer = match slot.take() {
                Some(writer) => writer,
                None => self.make_writer()?,
            };
            // A writer that failed is dropped: what it had not committed is gone with it.
            self.write(&mut writer, changes)?;
            *slot = Some(writer);
            Ok(())
        })
    }

    fn flush(&self) -> Result<()> {
        // Every commit is synced; here its position is acknowledged.
        self.durable.store(self.seen.load(Ordering::Acquire), Ordering::Release);
        Ok(())
    }

    fn applied(&self) -> Sequence {
        Sequence(self.durable.load(Ordering::Acquire))
    }

    fn search(&self, query: &str, top: usize, within: Option<&DocumentSet>) -> Result<Vec<Hit>> {
        let nowhere = within.is_some_and(|set| set.as_slice().is_empty());
        if top == 0 || nowhere {
            return Ok(Vec::new());
        }
        guarded(&self.directory, || {
            let searcher = self.reader.searcher();
            let fail = |error| failure(&self.directory, error);
            let Some(query) = build(query, &self.user, &self.fields, &searcher).map_err(fail)? else {
                return Ok(Vec::new());
            };
            searcher.search(query.as_ref(), &Best { top, within }).map_err(fail)
        })
    }

    fn len(&self) -> usize {
        usize::try_from(self.reader.searcher().num_docs()).unwrap_or(usize::MAX)
    }
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let indexing = TextFieldIndexing::default().set_tokenizer(ANALYSED).set_index_option(IndexRecordOption::WithFreqs);
    let text = TextOptions::default().set_indexing_options(indexing);
    let fields = Fields {
        chunk: builder.add_u64_field(CHUNK, FAST),
        document: builder.add_u64_field(DOCUMENT, FAST | INDEXED),
        words: builder.add_text_field("words", text.clone()),
        grams: builder.add_text_field("grams", text.clone()),
        heading: builder.add_text_field("heading", text),
    };
    (builder.build(), fields)
}

fn tokens(terms: Vec<String>) -> PreTokenizedString {
    let token = |(position, text)| Token { position, text, offset_from: 0, offset_to: 0, position_length: 1 };
    PreTokenizedString { text: String::new(), tokens: terms.into_iter().enumerate().map(token).collect() }
}

fn is_empty(directory: &Path) -> Result<bool> {
    let mut entries = std::fs::read_dir(directory)
        .map_err(|error| Error::io(format!("reading the directory {} failed", directory.display()), error))?;
    Ok(entries.next().is_none())
}

/// Tantivy asserts what its checks did not foresee in damaged files; here that is an error as well.
fn guarded<T>(directory: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(rebuild(directory, "its files contradict each other")))
}

fn rebuild(directory: &Path, why: &str) -> Error {
    let place = directory.display();
    let message =
        format!("The text index in {place} cannot be used: {why}. Remove the directory: it is rebuilt from the store.");
    Error::new(ErrorCode::InvalidConfig, message)
}

fn failure(directory: &Path, error: TantivyError) -> Error {
    let place = directory.display();
    match error {
        TantivyError::LockFailure(..) => {
            let message =
                format!("The text index in {place} is being written by another process; wait for it or stop it.");
            Error::new(ErrorCode::Conflict, message)
        }
        TantivyError::IoError(error) => Error::io(format!("The text index in {place} failed"), error),
        TantivyError::OpenWriteError(error) => Error::io(format!("The text index in {place} cannot be written"), error),
        other => rebuild(directory, &other.to_string()),
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
