//! Text and vector indexes: derived data, rebuilt from the store at any time.
//!
//! This crate does not know the store, documents' formats, models, or HTTP. It sees chunks as
//! numbers, texts and vectors, and remembers up to which position of the outbox it has seen them.
//!
//! Entry points: [`TantivyIndex`] and [`FlatIndex`] on disk, [`MemoryTextIndex`] and
//! [`MemoryVectorIndex`] as doubles, [`contract`] for every implementation, [`fuse`] for two of them.

mod change;
pub mod contract;
#[cfg(test)]
mod crash_tests;
mod fusion;
mod memory;
mod text;
mod vector;

pub use change::{Change, DocumentSet, Entry, Hit, TextIndex, VectorIndex};
pub use fusion::{fuse, fuse_scores, fuse_weighted};
pub use memory::{MemoryTextIndex, MemoryVectorIndex};
pub use text::TantivyIndex;
pub use vector::FlatIndex;
