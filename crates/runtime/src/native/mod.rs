//! A thin safe layer over llama.cpp: everything unsafe of this crate is in here.
//!
//! It does not know requests, templates or scheduling; it knows tokens, sequences and logits.

mod backend;
mod batch;
mod context;
mod grammar;
mod log;
mod model;

pub(crate) use backend::load_backend;
pub(crate) use batch::Batch;
pub(crate) use context::{Context, ContextSettings, DecodeError};
pub(crate) use grammar::Grammar;
pub(crate) use model::Model;

/// A model's token.
pub(crate) type Token = i32;
