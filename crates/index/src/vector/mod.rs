//! Nearest vectors in a directory of its own format.
//!
//! `log` remembers which document holds which rows and what was committed, `rows` keeps the f32
//! rows in a mapped file, `codes` reduces them to bits that `scan` goes through first, `kernel` and
//! `rotation` are the arithmetic, `state` puts them together, `index` adds locks, `directory` names.

mod best;
mod codes;
mod codes_file;
mod directory;
mod index;
mod kernel;
mod log;
mod rotation;
mod rows;
mod scan;
mod state;

pub use index::FlatIndex;
