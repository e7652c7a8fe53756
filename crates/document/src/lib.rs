//! Files to text with places: PDF, Word, PowerPoint, Excel, CSV, HTML, Markdown, plain text and images.
//!
//! The way in for a server is [`Parser`]: it parses in child processes under limits, because files
//! come from strangers. [`parse`] does the work in the calling process; [`worker_main`] wraps it
//! for the child. What a file says comes out as [`Parsed`]: blocks in reading order, each with its
//! lines, and for each line its page and box where the format has them.
//!
//! This crate does not know chunks, models' tokens, stores or the network. It reads no file but
//! the libraries and models that [`Tools`] names, and trusts no byte of its input.

mod archive;
mod csv;
mod decode;
mod fault;
mod html;
mod list;
mod markdown;
mod ocr;
mod office;
mod parse;
mod parsed;
mod parser;
mod pdf;
mod picture;
mod sniff;
mod table;
mod text;
mod tools;
mod worker;
mod wrap;
mod xml;

pub use parse::parse;
pub use parsed::{Block, BlockKind, Parsed};
pub use parser::{Parser, ParserOptions};
pub use tools::{Bounds, OcrModels, Tools};
pub use worker::{WORKER_KIND, worker_main};
