//! Arithmetic of an encoder on one core, by what the processor can do.
//!
//! It does not know models; matrices and rows in, rows out.

mod attention;
pub(crate) mod elementwise;
mod float;
mod int8;
mod level;
mod linear;

pub(crate) use attention::attention;
pub(crate) use level::Level;
pub(crate) use linear::Linear;
pub use linear::Precision;

#[cfg(test)]
#[path = "compute_tests.rs"]
mod tests;

/// Columns that a kernel computes together; weights are laid out by so many.
const PANEL: usize = 32;

/// Memory that one thread uses again for every pack.
pub(crate) struct Scratch {
    /// The hidden state, `tokens × width`.
    pub(crate) state: Vec<f32>,
    /// Query, key and value, or a part of the inner layer.
    pub(crate) wide: Vec<f32>,
    /// What attention gives.
    pub(crate) context: Vec<f32>,
    /// What a layer adds to the state.
    pub(crate) result: Vec<f32>,
    pub(crate) kernel: KernelScratch,
}

/// Memory inside the kernels.
pub(crate) struct KernelScratch {
    pub(crate) level: Level,
    attention: attention::AttentionScratch,
    quantized: int8::Quantized,
}

impl Scratch {
    pub(crate) fn new(level: Level) -> Self {
        let kernel = KernelScratch { level, attention: Default::default(), quantized: Default::default() };
        Self { state: Vec::new(), wide: Vec::new(), context: Vec::new(), result: Vec::new(), kernel }
    }
}
