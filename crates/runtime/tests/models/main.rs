//! Real models in real worker processes.

mod chat;
mod common;
mod embed;
mod workers;
