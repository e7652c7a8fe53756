//! Vendors' wire formats, translated to the domain's words and back.
//!
//! Pure functions from bytes and JSON to structs and the other way round. This crate does not know
//! HTTP, models, the store, or who calls: `server` (what comes in) and `provider` (what goes out) do.

pub mod anthropic;
pub mod openai;
pub mod responses;

mod base64;
mod beside;
mod blocks;
mod lenient;
mod object;
mod rerank;
mod shown;
mod stream;
mod vendor_error;

pub use object::parse_json;
pub use rerank::{RerankRequest, RerankVersion, rerank_reply};
pub use stream::NamedEvent;
pub use vendor_error::{AnswerFault, VendorError};
