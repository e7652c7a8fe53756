use super::elementwise;
use super::float::Product;
use super::*;
use crate::gguf::{ElementType, Tensor};
use crate::testing::{Numbers, encode};

/// The error function by its series, which converges everywhere.
fn erf(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

#[test]
fn gelu_is_the_exact_one() {
    for level in Level::available() {
        let inputs: Vec<f32> = (-500..=500).map(|step| step as f32 / 100.0).collect();
        let mut outputs = inputs.clone();
        elementwise::gelu(level, &mut outputs);
        for (input, output) in inputs.iter().zip(outputs) {
            let x = f64::from(*input);
            let expected = 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2));
            assert!((f64::from(output) - expected).abs() < 2e-6, "{level:?}: {x} gives {output}, not {expected}");
        }
    }
}

#[test]
fn softmax_gives_probabilities_and_ignores_padding() {
    for level in Level::available() {
        let mut rows = vec![9.0f32; 2 * 64];
        for (index, row) in rows.chunks_exact_mut(64).enumerate() {
            (0..37).for_each(|place| row[place] = (place as f32 - 20.0) * (1.0 + 40.0 * index as f32));
        }
        let inputs = rows.clone();
        elementwise::softmax(level, &mut rows, 64, 37, 0.25);
        for (input, row) in inputs.chunks_exact(64).zip(rows.chunks_exact(64)) {
            let powers: Vec<f64> = input[..37].iter().map(|x| (f64::from(*x - input[36]) * 0.25).exp()).collect();
            let sum: f64 = powers.iter().sum();
            for (power, value) in powers.iter().zip(row) {
                assert!((f64::from(*value) - power / sum).abs() < 1e-6, "{level:?}");
            }
            assert!(row[37..].iter().all(|value| *value == 0.0));
        }
    }
}

#[test]
fn norm_has_mean_and_variance() {
    for level in Level::available() {
        let mut state = Numbers(3).take(3 * 96);
        elementwise::add_norm(level, &mut state, &[1.0; 3 * 96], &[2.0; 96], &[5.0; 96], 0.0);
        for row in state.chunks_exact(96) {
            let mean = row.iter().sum::<f32>() / 96.0;
            let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / 96.0;
            assert!((mean - 5.0).abs() < 1e-4 && (variance - 4.0).abs() < 1e-3);
        }
    }
}

#[test]
fn products_of_floats_agree_for_every_number_of_rows() {
    let (depth, panels) = (45, 3);
    let mut numbers = Numbers(1);
    let (left, right) = (numbers.take(20 * depth), numbers.take(depth * panels * PANEL));
    let start = numbers.take(panels * PANEL);
    for level in Level::available() {
        for rows in 1..=20 {
            let columns = panels * PANEL;
            let product = Product {
                rows,
                depth,
                panels,
                left: &left,
                left_stride: depth,
                right: &right,
                right_stride: columns,
                panel_stride: PANEL,
                start: &start,
                output_stride: columns,
            };
            let mut output = vec![f32::NAN; rows * columns];
            product.run(level, &mut output);
            for (place, value) in output.iter().enumerate() {
                let (row, column) = (place / columns, place % columns);
                let terms = (0..depth).map(|step| left[row * depth + step] * right[step * columns + column]);
                assert!((value - start[column] - terms.sum::<f32>()).abs() < 1e-4, "{level:?} {rows}");
            }
        }
    }
}

/// Extreme weights and inputs are among them, so that a sum that saturates would show.
#[test]
fn products_of_bytes_are_near_those_of_floats_at_every_level() {
    let (inputs, outputs) = (96, 64);
    let mut numbers = Numbers(9);
    let mut weights = numbers.take(inputs * outputs);
    weights[..inputs].fill(1.0);
    weights[inputs..2 * inputs].fill(-1.0);
    let bias = numbers.take(outputs);
    for kind in [ElementType::F32, ElementType::Q4_0] {
        let bytes = encode(kind, &weights);
        let tensor = Tensor { kind, rows: outputs, columns: inputs, bytes: &bytes };
        let [exact, rounded] = [Precision::F32, Precision::Int8].map(|kind| Linear::new(&[tensor], bias.clone(), kind));
        for level in Level::available() {
            for rows in 1..=14 {
                let mut input = numbers.take(rows * inputs);
                input[..inputs].fill(1.0);
                let mut scratch = Scratch::new(level).kernel;
                let (mut a, mut b) = (vec![0.0; rows * outputs], vec![0.0; rows * outputs]);
                exact.apply(&input, &mut a, &mut scratch);
                rounded.apply(&input, &mut b, &mut scratch);
                for (a, b) in a.iter().zip(&b) {
                    assert!((a - b).abs() < 0.15, "{level:?} {kind:?} {rows}: {a} {b}");
                }
            }
        }
    }
}

#[test]
fn attention_mixes_values_within_a_sequence_only() {
    let (width, heads, tokens) = (48, 3, 70);
    let input = Numbers(5).take(tokens * 3 * width);
    let sequences = [0..3, 3..66, 66..70];
    for level in Level::available() {
        let mut output = vec![f32::NAN; tokens * width];
        attention(&input, &sequences, width, heads, &mut output, &mut Scratch::new(level).kernel);
        for sequence in sequences.clone() {
            for (token, head) in sequence.clone().flat_map(|token| (0..heads).map(move |head| (token, head))) {
                let part = |token: usize, which: usize| &input[(token * 3 + which) * width + head * 16..][..16];
                let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
                let powers = sequence.clone().map(|other| (dot(part(token, 0), part(other, 1)) / 4.0).exp());
                let powers: Vec<f32> = powers.collect();
                let sum: f32 = powers.iter().sum();
                for place in 0..16 {
                    let mixed = sequence.clone().zip(&powers).map(|(other, power)| part(other, 2)[place] * power / sum);
                    let got = output[token * width + head * 16 + place];
                    assert!((mixed.sum::<f32>() - got).abs() < 1e-5, "{level:?}");
                }
            }
        }
    }
}
