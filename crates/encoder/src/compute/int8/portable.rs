//! Without any special instructions; the other kernels are tested against this one.

use super::{BLOCK, ByteWeights, GROUP, PANEL, PANEL_BLOCK, Quantized};

pub(super) fn multiply(input: &Quantized, weights: &ByteWeights, bias: &[f32], output: &mut [f32]) {
    let blocks = weights.blocks;
    let panels = weights.bytes.chunks_exact(blocks * PANEL_BLOCK).zip(weights.scales.chunks_exact(blocks * PANEL));
    for (panel, (bytes, scales)) in panels.enumerate() {
        for (row, output) in output.chunks_exact_mut(bias.len()).enumerate() {
            let mut totals = [0f32; PANEL];
            for block in 0..blocks {
                let place = row * blocks + block;
                let sums = block_sums(
                    &input.bytes[place * BLOCK..(place + 1) * BLOCK],
                    &bytes[block * PANEL_BLOCK..(block + 1) * PANEL_BLOCK],
                    input.sums[place],
                );
                let scales = &scales[block * PANEL..(block + 1) * PANEL];
                for ((total, sum), scale) in totals.iter_mut().zip(sums).zip(scales) {
                    *total += sum as f32 * (scale * input.scales[place]);
                }
            }
            let columns = panel * PANEL..(panel + 1) * PANEL;
            for ((output, total), bias) in output[columns.clone()].iter_mut().zip(totals).zip(&bias[columns]) {
                *output = total + bias;
            }
        }
    }
}

/// The exact sums of one block for a panel's columns.
fn block_sums(input: &[i8], weights: &[u8], start: i32) -> [i32; PANEL] {
    let mut sums = [start; PANEL];
    let groups = input.as_chunks::<GROUP>().0.iter().zip(weights.chunks_exact(PANEL * GROUP));
    for (input, weights) in groups {
        for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<GROUP>().0) {
            // At most 32 · 127 · 127 in all, far from the type's end.
            let products = input.iter().zip(weights).map(|(input, weight)| i32::from(*input) * i32::from(*weight));
            *sum = products.fold(*sum, i32::wrapping_add);
        }
    }
    sums
}
