//! Knowledge bases at work: documents in, found passages and grounded prompts out.
//!
//! The way in: [`Ingestor`] claims a document, parses it in a child process, cuts it into chunks,
//! embeds them and commits them to the store; the indexes follow the store's outbox.
//! The way out: [`Knowledge::search`] asks the text and the vector index and fuses their lists;
//! [`Grounding`] turns what was found into numbered sources for a chat model, and
//! [`CitationFilter`] checks the numbers that the model writes.
//!
//! This crate does not know HTTP, SQL, which engine runs a model, or which driver keeps an index.

mod chunk;
mod cite;
mod ground;
mod indexes;
mod ingest;
mod knowledge;
mod lines;
mod relevance;
mod search;

pub use chunk::{Tokens, chunk_document};
pub use cite::{CitationFilter, Cited};
pub use ground::{Grounding, Instructions, Language, Source};
pub use indexes::IndexFactory;
pub use ingest::{Ingestor, OnProgress, Outcome, StageTimes};
pub use knowledge::{Knowledge, Parts, RERANK_DEPTH};
pub use relevance::Relevance;
pub use search::{Found, SearchMode, SearchOptions, Searched};
