//! A layer of weights applied to rows.

use super::float::{self, FloatWeights};
use super::int8::{self, ByteWeights};
use super::{KernelScratch, PANEL};
use crate::gguf::Tensor;

/// How weights are kept and multiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Bytes, with a scale for every 32 of them; 4-bit weights lose nothing by it. The usual choice.
    #[default]
    Int8,
    /// 32-bit floats: four times the memory, for reference.
    F32,
}

enum Weights {
    Bytes(ByteWeights),
    Floats(FloatWeights),
}

/// Weights of `outputs × inputs` and a bias. Both counts are multiples of 32.
pub(crate) struct Linear {
    weights: Weights,
    bias: Vec<f32>,
    inputs: usize,
}

impl Linear {
    /// The matrices of `parts`, one below another; `bias` has a number for each of their rows. All sizes must be
    /// multiples of 32.
    pub(crate) fn new(parts: &[Tensor<'_>], bias: Vec<f32>, precision: Precision) -> Self {
        let inputs = parts.first().map_or(0, |part| part.columns);
        let rows: usize = parts.iter().map(|part| part.rows).sum();
        assert!(inputs.is_multiple_of(PANEL) && bias.len() == rows && rows.is_multiple_of(PANEL) && rows > 0);
        let weights = match precision {
            Precision::Int8 => Weights::Bytes(ByteWeights::pack(parts, inputs, rows)),
            Precision::F32 => Weights::Floats(FloatWeights::pack(parts, inputs, rows)),
        };
        Self { weights, bias, inputs }
    }

    /// Rows of `inputs` values to rows of as many as the bias has.
    pub(crate) fn apply(&self, input: &[f32], output: &mut [f32], scratch: &mut KernelScratch) {
        let rows = input.len() / self.inputs;
        assert!(input.len() == rows * self.inputs && output.len() == rows * self.bias.len());
        match &self.weights {
            Weights::Bytes(weights) => {
                scratch.quantized.fill(scratch.level, input, weights.offset());
                int8::multiply(scratch.level, &scratch.quantized, weights, &self.bias, output);
            }
            Weights::Floats(weights) => float::linear(scratch.level, input, weights, &self.bias, output),
        }
    }
}
