//! Functions of single values and rows.

use super::Level;

pub(crate) fn gelu(_level: Level, values: &mut [f32]) {
    for value in values {
        let x = *value;
        let z = x * std::f32::consts::FRAC_1_SQRT_2;
        let a = z.abs();
        let t = 1.0 / (1.0 + 0.327_591_1 * a);
        let poly = ((((1.061_405_4 * t - 1.453_152_1) * t) + 1.421_413_7) * t - 0.284_496_72) * t + 0.254_829_6;
        let erf = (1.0 - poly * t * (-a * a).exp()).copysign(z);
        *value = 0.5 * x * (1.0 + erf);
    }
}

pub(crate) fn norm_row(row: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let n = row.len() as f32;
    let mean = row.iter().sum::<f32>() / n;
    let variance = row.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / n;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((value, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
        *value = (*value - mean) * scale * weight + bias;
    }
}

pub(crate) fn add_norm(_level: Level, state: &mut [f32], add: &[f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    for (row, add) in state.chunks_exact_mut(weight.len()).zip(add.chunks_exact(weight.len())) {
        row.iter_mut().zip(add).for_each(|(value, add)| *value += add);
        norm_row(row, weight, bias, epsilon);
    }
}
