//! Sentence encoders of the BERT and XLM-RoBERTa kind, in pure Rust.
//!
//! Texts in, unit vectors out: a GGUF file (architecture `bert`), its own tokenizer with places in the text, and
//! kernels for what the processor has. Entry points: [`Encoder`], [`convert`].
//!
//! It deliberately does not know processes, async runtimes, networks, model catalogues, or what the vectors are for.

mod compute;
mod convert;
mod cursor;
mod encoder;
mod gguf;
mod model;
mod tokenizer;

#[cfg(test)]
#[path = "support_tests.rs"]
mod testing;

pub use compute::Precision;
pub use convert::{ConvertSource, convert};
pub use encoder::{Encoder, Prefixes};
