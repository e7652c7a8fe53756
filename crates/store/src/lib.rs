//! The traits behind which the truth is kept: knowledge bases, files, documents with their
//! chunks and vectors, the jobs that make them, API keys, and files' bytes.
//!
//! This crate does not know SQL, file systems, indexes or models.

mod blob;
mod document;
mod filter;
mod key;

pub use blob::{BlobStore, ContentHash};
pub use document::{
    Base, BaseSettings, BaseStats, Chunk, Chunking, Document, DocumentChange, DocumentState, DocumentStore, File, Job,
    NewChunk, NewDocument, NewFile, NewSection, Page, Processed, Section, Submitted,
};
pub use filter::{Comparison, Compound, Filter};
pub use key::{Key, KeyStore, NewKey};
