//! Attention of each sequence to itself.

use super::KernelScratch;
use std::ops::Range;

/// `input` holds query, key and value of each token side by side; `output` gets the context, `tokens × width`.
pub(crate) fn attention(
    input: &[f32],
    sequences: &[Range<usize>],
    width: usize,
    heads: usize,
    output: &mut [f32],
    scratch: &mut KernelScratch,
) {
    let head = width / heads;
    let scale = 1.0 / (head as f32).sqrt();
    for sequence in sequences {
        for h in 0..heads {
            for t in sequence.clone() {
                let q = &input[t * 3 * width + h * head..][..head];
                scratch.scores.clear();
                let mut max = f32::NEG_INFINITY;
                for s in sequence.clone() {
                    let k = &input[s * 3 * width + width + h * head..][..head];
                    let score = q.iter().zip(k).map(|(a, b)| a * b).sum::<f32>() * scale;
                    max = max.max(score);
                    scratch.scores.push(score);
                }
                let mut sum = 0.0;
                for score in &mut scratch.scores {
                    *score = (*score - max).exp();
                    sum += *score;
                }
                let out = &mut output[t * width + h * head..][..head];
                out.fill(0.0);
                for (s, p) in sequence.clone().zip(&scratch.scores) {
                    let v = &input[s * 3 * width + 2 * width + h * head..][..head];
                    out.iter_mut().zip(v).for_each(|(o, v)| *o += p / sum * v);
                }
            }
        }
    }
}
