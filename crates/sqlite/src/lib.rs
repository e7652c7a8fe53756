//! The embedded default of the store: one SQLite database and a directory of contents.
//!
//! [`Sqlite`] keeps documents, chunks, vectors, jobs, tenants, keys, budgets, reviews and sealed secrets in
//! `DATA/yizhan.db`; [`FileBlobs`] keeps files' bytes in `DATA/blobs`. What either acknowledged is synced to the
//! disk. This crate alone knows SQL; it does not know how documents become chunks, what a key permits, or HTTP.

mod account;
mod attribute;
mod base;
mod blob;
mod budget;
mod chunk;
mod codec;
mod connection;
mod document;
mod fault;
mod file;
mod job;
mod key;
mod outbox;
mod review;
mod secret;
mod store;
mod threads;
mod usage;

pub use blob::FileBlobs;
pub use store::Sqlite;
