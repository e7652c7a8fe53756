//! The traits behind which the truth is kept: knowledge bases, files, documents with their
//! chunks and vectors, the jobs that make them, API keys, files' bytes, and usage.
//!
//! This crate does not know SQL, file systems, indexes or models.

mod blob;
mod calendar;
mod clock;
pub mod contract;
mod document;
mod filter;
mod key;
mod memory;
mod rules;
mod usage;

pub use blob::{BlobStore, ContentHash};
pub use clock::{Clock, ManualClock, millis};
pub use document::{
    Base, BaseSettings, BaseStats, Chunk, Chunking, Document, DocumentChange, DocumentState, DocumentStore, File, Job,
    NewChunk, NewDocument, NewFile, NewSection, Page, Processed, Section, Submitted,
};
pub use filter::{Comparison, Compound, Filter};
pub use key::{Key, KeyStore, NewKey};
pub use memory::MemoryStore;
pub use rules::{
    check_base_name, document_cursor, key_taken, name_taken, too_far_behind, unknown_cursor, unknown_section,
};
pub use usage::{
    Dimension, HOUR_MS, LATENCY_BOUNDS, Latencies, Measure, Period, UsageBatch, UsageCounts, UsageGroup, UsageKey,
    UsageQuery, UsageStore,
};
