//! The traits behind which the truth is kept: knowledge bases, files, documents with their
//! chunks and vectors, the jobs that make them, tenants and their API keys, money that was spent,
//! usage, what rules hold for a person, sealed secrets, and files' bytes.
//!
//! This crate does not know SQL, file systems, indexes or models.

mod account;
mod blob;
mod budget;
mod calendar;
mod clock;
pub mod contract;
mod declare;
mod document;
mod filter;
mod key;
mod memory;
mod review;
mod rules;
mod secret;
mod usage;

pub use account::{Account, AccountId, AccountStore, AccountTerms, Declaration, Declared};
pub use blob::{BlobStore, ContentHash};
pub use budget::{BudgetLine, BudgetStore, Draw, Drawn};
pub use clock::{Clock, ManualClock, millis};
pub use declare::{Step, declaration_steps};
pub use document::{
    Base, BaseSettings, BaseStats, Chunk, Chunking, Document, DocumentChange, DocumentState, DocumentStore, File, Job,
    NewChunk, NewDocument, NewFile, NewSection, Page, Processed, Section, Submitted,
};
pub use filter::{Comparison, Compound, Filter};
pub use key::{Key, KeyStore, KeyTerms, NewKey};
pub use memory::MemoryStore;
pub use review::{
    Backlog, Decided, Decision, NewReview, REVIEW_PREVIEW, Review, ReviewFilter, ReviewSide, ReviewState, ReviewStore,
    Use, Verdict, no_review,
};
pub use rules::{
    account_taken, check_base_name, default_tenant_stays, document_cursor, key_taken, name_taken, too_far_behind,
    unknown_cursor, unknown_section,
};
pub use secret::{SealedSecret, SecretStore};
pub use usage::{
    Dimension, HOUR_MS, LATENCY_BOUNDS, Latencies, Measure, Period, UsageBatch, UsageCounts, UsageGroup, UsageKey,
    UsageQuery, UsageStore,
};
