//! A small blocking client of Yizhan's own HTTP API, for the command line.
//!
//! Begin at [`Client`]. It knows the wire and the domain's words, no async runtime and no printing.
//! The server's errors come back as [`yizhan_domain::Error`] with their code and message.

mod admin;
mod base;
mod chat;
mod client;
mod events;
mod multipart;

pub use base::{Base, Document, SearchHit, SearchQuery};
pub use chat::Reply;
pub use client::{Client, Model};
