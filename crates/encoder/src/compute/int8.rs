//! Products of bytes: activations as signed bytes, weights as unsigned ones with an offset, both in blocks of 32
//! along the sum with a scale of their own.
//!
//! Sums within a block are exact integers, and blocks are added in the same order at every level, so vectors made on
//! different processors differ in the last bits at most. Weights have at most 7 bits, because AVX2's
//! `maddubs` saturates beyond; 4-bit ones are kept as they are.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::{Level, PANEL, elementwise};
use crate::gguf::{ElementType, Tensor};

/// Values along the sum that share a scale.
const BLOCK: usize = 32;
/// Values along the sum that one instruction adds up.
const GROUP: usize = 4;
/// Bytes of one block of one panel.
const PANEL_BLOCK: usize = BLOCK * PANEL;
/// What is added to 4-bit weights to make them unsigned.
const OFFSET_4_BITS: i32 = 8;
/// The same for 7-bit weights.
const OFFSET_7_BITS: i32 = 64;

/// Rows of activations.
#[derive(Default)]
pub(super) struct Quantized {
    bytes: Vec<i8>,
    scales: Vec<f32>,
    /// For each block minus the weights' offset times the sum of its bytes.
    sums: Vec<i32>,
}

impl Quantized {
    pub(super) fn fill(&mut self, level: Level, values: &[f32], offset: i32) {
        self.bytes.resize(values.len(), 0);
        self.scales.resize(values.len() / BLOCK, 0.0);
        self.sums.resize(values.len() / BLOCK, 0);
        elementwise::quantize(level, values, offset, &mut self.bytes, &mut self.scales, &mut self.sums);
    }
}

/// Packed weights: for each panel of 32 outputs, for each block of 32 inputs, for each group of 4 inputs, for each
/// output its 4 bytes.
pub(super) struct ByteWeights {
    bytes: Vec<u8>,
    /// For each panel, for each block, for each output.
    scales: Vec<f32>,
    blocks: usize,
    offset: i32,
}

impl ByteWeights {
    pub(super) fn offset(&self) -> i32 {
        self.offset
    }

    /// Packs matrices that lie one below another.
    pub(super) fn pack(parts: &[Tensor<'_>], inputs: usize, outputs: usize) -> Self {
        let blocks = inputs / BLOCK;
        let four_bits = parts.iter().all(|part| part.kind == ElementType::Q4_0);
        let offset = if four_bits { OFFSET_4_BITS } else { OFFSET_7_BITS };
        let mut weights =
            Self { bytes: vec![0; inputs * outputs], scales: vec![0.0; blocks * outputs], blocks, offset };
        let mut row = vec![0.0; inputs];
        let rows = parts.iter().flat_map(|part| (0..part.rows).map(move |index| (part, index)));
        for (output, (part, index)) in rows.enumerate() {
            part.read_row(index, &mut row);
            for (block, values) in row.as_chunks::<BLOCK>().0.iter().enumerate() {
                let scale = match four_bits {
                    true => scale_4_bits(part.row(index), block),
                    false => values.iter().fold(0f32, |largest, value| largest.max(value.abs())) / 63.0,
                };
                weights.put(output, block, values, scale);
            }
        }
        weights
    }

    fn put(&mut self, output: usize, block: usize, values: &[f32; BLOCK], scale: f32) {
        let (panel, column) = (output / PANEL, output % PANEL);
        let place = panel * self.blocks + block;
        self.scales[place * PANEL + column] = scale;
        let factor = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        let most = (2 * self.offset - 1) as u8;
        for (index, value) in values.iter().enumerate() {
            let (group, lane) = (index / GROUP, index % GROUP);
            // Rounds what is above 0 after the offset; a damaged file's infinities become bounds, what is no number 0.
            let byte = (value * factor + self.offset as f32 + 0.5) as u8;
            self.bytes[place * PANEL_BLOCK + (group * PANEL + column) * GROUP + lane] = byte.min(most);
        }
    }
}

/// The scale of a block of a row of Q4_0, which stands before its nibbles.
fn scale_4_bits(row: &[u8], block: usize) -> f32 {
    half::f16::from_le_bytes([row[block * 18], row[block * 18 + 1]]).to_f32()
}

/// `output = input · weights + bias`.
pub(super) fn multiply(level: Level, input: &Quantized, weights: &ByteWeights, bias: &[f32], output: &mut [f32]) {
    let (blocks, columns) = (weights.blocks, bias.len());
    let rows = output.len() / columns;
    assert!(columns.is_multiple_of(PANEL) && output.len() == rows * columns);
    assert!(input.bytes.len() == rows * blocks * BLOCK && input.scales.len() == rows * blocks);
    assert!(input.sums.len() == input.scales.len());
    assert!(weights.bytes.len() == columns * blocks * BLOCK && weights.scales.len() == columns * blocks);
    match level {
        Level::Portable => portable::multiply(input, weights, bias, output),
        // SAFETY: the sizes are checked above, and a level is only ever one that this processor has.
        #[cfg(target_arch = "x86_64")]
        _ => unsafe { x86::multiply(level, input, weights, bias, output) },
    }
}
