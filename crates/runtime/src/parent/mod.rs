//! The program's side: handles that start workers when needed and talk to them.
//!
//! It does not know how workers compute.

mod header;
mod home;
mod link;
mod models;
mod runtime;

pub use runtime::{EmbedPrefixes, LoadedModel, Options, Runtime};
