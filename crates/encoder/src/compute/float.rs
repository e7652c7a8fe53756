//! Products of 32-bit floats: for reference weights, and for attention, whose both sides are activations.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::{Level, PANEL};
use crate::gguf::Tensor;

/// `output = start + left · right`, all by rows. `right` is in panels of 32 columns.
pub(super) struct Product<'a> {
    pub(super) rows: usize,
    /// The sum's length.
    pub(super) depth: usize,
    pub(super) panels: usize,
    pub(super) left: &'a [f32],
    pub(super) left_stride: usize,
    pub(super) right: &'a [f32],
    /// From one step of the sum to the next.
    pub(super) right_stride: usize,
    /// From one panel to the next.
    pub(super) panel_stride: usize,
    /// What each row begins with; `panels × 32` numbers.
    pub(super) start: &'a [f32],
    pub(super) output_stride: usize,
}

impl Product<'_> {
    pub(super) fn run(&self, level: Level, output: &mut [f32]) {
        if self.rows == 0 || self.depth == 0 || self.panels == 0 {
            return;
        }
        let span = |count: usize, stride: usize, last: usize| (count - 1) * stride + last;
        assert!(self.left.len() >= span(self.rows, self.left_stride, self.depth));
        let panel = span(self.depth, self.right_stride, PANEL);
        assert!(self.right.len() >= span(self.panels, self.panel_stride, panel));
        assert!(self.start.len() >= self.panels * PANEL && self.output_stride >= self.panels * PANEL);
        assert!(output.len() >= span(self.rows, self.output_stride, self.panels * PANEL));
        match level {
            Level::Portable => portable::run(self, output),
            // SAFETY: every place that the sizes name was just checked to be there, and a level is only ever one
            // that this processor has.
            #[cfg(target_arch = "x86_64")]
            _ => unsafe { x86::run(level, self, output) },
        }
    }
}

/// Weights by panels of 32 outputs: for each input, the panel's 32 weights.
pub(super) struct FloatWeights {
    values: Vec<f32>,
    inputs: usize,
}

impl FloatWeights {
    /// Packs matrices that lie one below another.
    pub(super) fn pack(parts: &[Tensor<'_>], inputs: usize, outputs: usize) -> Self {
        let mut values = vec![0.0; inputs * outputs];
        let mut row = vec![0.0; inputs];
        let rows = parts.iter().flat_map(|part| (0..part.rows).map(move |index| (part, index)));
        for (output, (part, index)) in rows.enumerate() {
            part.read_row(index, &mut row);
            let (panel, column) = (output / PANEL, output % PANEL);
            for (input, value) in row.iter().enumerate() {
                values[(panel * inputs + input) * PANEL + column] = *value;
            }
        }
        Self { values, inputs }
    }
}

/// `output = input · weights + bias`.
pub(super) fn linear(level: Level, input: &[f32], weights: &FloatWeights, bias: &[f32], output: &mut [f32]) {
    let product = Product {
        rows: input.len() / weights.inputs,
        depth: weights.inputs,
        panels: bias.len() / PANEL,
        left: input,
        left_stride: weights.inputs,
        right: &weights.values,
        right_stride: PANEL,
        panel_stride: weights.inputs * PANEL,
        start: bias,
        output_stride: bias.len(),
    };
    product.run(level, output);
}
