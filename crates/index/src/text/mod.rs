//! Full-text search over tantivy.
//!
//! `fold` makes variants one, `scan` cuts text into runs, `segment` cuts Chinese, `terms` puts them
//! together, `query` weighs them, `collect` keeps the best, `index` holds it all on disk.

mod collect;
pub(crate) mod fold;
mod index;
pub(crate) mod query;
pub(crate) mod scan;
pub(crate) mod segment;
pub(crate) mod terms;

pub(crate) use collect::{Ranked, best_first};
pub use index::TantivyIndex;
