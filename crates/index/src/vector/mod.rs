//! Nearest vectors in a directory of its own format.
//!
//! `log` remembers which document holds which rows and what was committed, `rows` keeps the f32
//! rows in a mapped file, `codes` keeps a small code of each row in memory, `kernel` has the inner
//! loops, `index` puts them together.

mod index;
mod kernel;
mod log;
mod rows;

pub use index::FlatIndex;
