//! Attention of each sequence to itself, head by head, in floats.

use super::float::Product;
use super::{KernelScratch, Level, PANEL, elementwise};
use std::ops::Range;

/// Queries whose scores are kept at a time; a multiple of every kernel's rows.
const QUERIES: usize = 48;

#[derive(Default)]
pub(super) struct AttentionScratch {
    /// The head's keys, one column each.
    keys: Vec<f32>,
    /// The head's values, one row each.
    values: Vec<f32>,
    scores: Vec<f32>,
    output: Vec<f32>,
    zeros: Vec<f32>,
}

/// `input` holds query, key and value of each token side by side; `output` gets the context, `tokens × width`.
pub(crate) fn attention(
    input: &[f32],
    sequences: &[Range<usize>],
    width: usize,
    heads: usize,
    output: &mut [f32],
    scratch: &mut KernelScratch,
) {
    let size = width / heads;
    for sequence in sequences {
        let input = &input[sequence.start * 3 * width..sequence.end * 3 * width];
        let output = &mut output[sequence.start * width..sequence.end * width];
        for head in 0..heads {
            let head = Head { width, offset: head * size, size, tokens: sequence.len() };
            head.run(scratch.level, input, output, &mut scratch.attention);
        }
    }
}

/// One head over one sequence.
struct Head {
    width: usize,
    offset: usize,
    size: usize,
    tokens: usize,
}

impl Head {
    fn run(&self, level: Level, input: &[f32], output: &mut [f32], scratch: &mut AttentionScratch) {
        let keys = self.tokens.next_multiple_of(PANEL);
        let columns = self.size.next_multiple_of(PANEL);
        scratch.zeros.resize(keys.max(columns), 0.0);
        scratch.scores.resize(QUERIES * keys, 0.0);
        scratch.output.resize(QUERIES * columns, 0.0);
        self.lay_out(input, keys, columns, scratch);
        let stride = 3 * self.width;
        let scale = 1.0 / (self.size as f32).sqrt();
        for first in (0..self.tokens).step_by(QUERIES) {
            let rows = QUERIES.min(self.tokens - first);
            let scores = Product {
                rows,
                depth: self.size,
                panels: keys / PANEL,
                left: &input[first * stride + self.offset..],
                left_stride: stride,
                right: &scratch.keys,
                right_stride: keys,
                panel_stride: PANEL,
                start: &scratch.zeros,
                output_stride: keys,
            };
            scores.run(level, &mut scratch.scores);
            elementwise::softmax(level, &mut scratch.scores[..rows * keys], keys, self.tokens, scale);
            let context = Product {
                rows,
                depth: self.tokens,
                panels: columns / PANEL,
                left: &scratch.scores,
                left_stride: keys,
                right: &scratch.values,
                right_stride: columns,
                panel_stride: PANEL,
                start: &scratch.zeros,
                output_stride: columns,
            };
            context.run(level, &mut scratch.output);
            for (row, context) in scratch.output.chunks_exact(columns).take(rows).enumerate() {
                let start = (first + row) * self.width + self.offset;
                output[start..start + self.size].copy_from_slice(&context[..self.size]);
            }
        }
    }

    /// Copies the head's keys and values to where the products want them.
    fn lay_out(&self, input: &[f32], keys: usize, columns: usize, scratch: &mut AttentionScratch) {
        scratch.keys.resize(self.size * keys, 0.0);
        scratch.values.resize(self.tokens * columns, 0.0);
        let values = scratch.values.chunks_exact_mut(columns);
        for ((token, row), value) in input.chunks_exact(3 * self.width).enumerate().zip(values) {
            let key = &row[self.width + self.offset..][..self.size];
            for (place, number) in scratch.keys[token..].iter_mut().step_by(keys).zip(key) {
                *place = *number;
            }
            let (numbers, rest) = value.split_at_mut(self.size);
            numbers.copy_from_slice(&row[2 * self.width + self.offset..][..self.size]);
            rest.fill(0.0);
        }
    }
}
