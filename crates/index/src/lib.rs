//! Text and vector indexes: derived data, rebuilt from the store at any time.
//!
//! This crate does not know the store, documents' formats, models, or HTTP. It sees chunks as
//! numbers, texts and vectors, and remembers up to which position of the outbox it has seen them.

mod change;

pub use change::{Change, DocumentSet, Entry, Hit, TextIndex, VectorIndex};
