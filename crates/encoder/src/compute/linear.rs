//! A layer of weights applied to rows.

use super::KernelScratch;
use crate::gguf::Tensor;
use gemm::Parallelism;

/// How weights are kept and multiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Bytes, with a scale for every 32 of them. The usual choice.
    #[default]
    Int8,
    /// 32-bit floats: four times the memory, for reference.
    F32,
}

pub(crate) struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Linear {
    pub(crate) fn new(parts: &[Tensor<'_>], bias: Vec<f32>, _precision: Precision) -> Self {
        let inputs = parts.first().map_or(0, |part| part.columns);
        Self { weight: parts.iter().flat_map(|part| part.to_floats()).collect(), bias, inputs }
    }

    pub(crate) fn apply(&self, input: &[f32], output: &mut [f32], _scratch: &mut KernelScratch) {
        let outputs = self.bias.len();
        for row in output.chunks_exact_mut(outputs) {
            row.copy_from_slice(&self.bias);
        }
        let rows = output.len() / outputs;
        assert!(input.len() == rows * self.inputs);
        // SAFETY: the three matrices have the sizes that are passed, as just checked and as `new` made the weights.
        unsafe {
            gemm::gemm(
                rows,
                outputs,
                self.inputs,
                output.as_mut_ptr(),
                1,
                outputs as isize,
                true,
                input.as_ptr(),
                1,
                self.inputs as isize,
                self.weight.as_ptr(),
                self.inputs as isize,
                1,
                1.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}
