//! Functions of single values and of rows, written so that the compiler vectorises them, once for each level.

use super::Level;

/// Lanes of partial sums: as many as the widest vector has.
const LANES: usize = 16;

/// Compiles `$body::<FUSED>` for each level and calls the one that is asked for.
macro_rules! for_each_level {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $kind:ty),* $(,)?) = $body:ident) => {
        $(#[$doc])*
        pub(crate) fn $name(level: Level, $($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($arg: $kind),*) { $body::<true>($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $kind),*) { $body::<true>($($arg),*) }
                match level {
                    // SAFETY: a level is only ever one that this processor has.
                    Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    Level::Avx2 | Level::AvxVnni => return unsafe { avx2($($arg),*) },
                    Level::Portable => {}
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let Level::Portable = level;
            $body::<false>($($arg),*)
        }
    };
}

for_each_level! {
    /// The Gaussian error linear unit, exact (not the one by tanh), in place.
    fn gelu(values: &mut [f32]) = gelu_body
}
for_each_level! {
    /// Adds `add` to the rows of `state` and normalises each to mean 0 and variance 1, then scales and shifts it.
    fn add_norm(state: &mut [f32], add: &[f32], weight: &[f32], bias: &[f32], epsilon: f32) = add_norm_body
}
for_each_level! {
    /// Makes the first `count` scores of a row of `row` places probabilities, after scaling; the others 0.
    fn softmax(rows: &mut [f32], row: usize, count: usize, scale: f32) = softmax_body
}
for_each_level! {
    /// Rows of floats as signed bytes in blocks of 32, with each block's scale and `-offset` times its sum.
    fn quantize(values: &[f32], offset: i32, bytes: &mut [i8], scales: &mut [f32], sums: &mut [i32]) = quantize_body
}

/// `a * b + c`, in one step where the processor has one.
#[inline(always)]
fn fused<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[inline(always)]
fn polynomial<const FUSED: bool, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    coefficients.into_iter().fold(0.0, |sum, coefficient| fused::<FUSED>(sum, x, coefficient))
}

#[inline(always)]
fn gelu_body<const FUSED: bool>(values: &mut [f32]) {
    for value in values {
        let half = 0.5 * *value;
        *value = fused::<FUSED>(half, erf::<FUSED>(*value * std::f32::consts::FRAC_1_SQRT_2), half);
    }
}

/// A rational approximation, off by less than 4e-7 (its coefficients are those that Eigen uses).
#[inline(always)]
fn erf<const FUSED: bool>(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const BELOW: [f32; 5] = [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329_2e-3, -1.426_473_9e-2];
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    x * polynomial::<FUSED, 7>(square, ABOVE) / polynomial::<FUSED, 5>(square, BELOW)
}

/// `e` to the power `x` for `x ≤ 0`, relative error below 3e-7; 0 far below.
#[inline(always)]
fn exp<const FUSED: bool>(x: f32) -> f32 {
    // Adding this number leaves the nearest whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.max(-87.0);
    let shifted = fused::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let rest = fused::<FUSED>(whole, -0.693_359_4, x);
    let rest = fused::<FUSED>(whole, 2.121_944_4e-4, rest);
    let power = [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5, 1.0, 1.0];
    let fraction = polynomial::<FUSED, 8>(rest, power);
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    fraction * f32::from_bits(exponent)
}

/// Joins lanes by halves, which the compiler makes shuffles of.
#[inline(always)]
fn join(mut lanes: [f32; LANES], with: impl Fn(f32, f32) -> f32) -> f32 {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] = with(lanes[lane], lanes[lane + half]);
        }
    }
    lanes[0]
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

#[inline(always)]
fn sum_lanes(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += of(*value);
        }
    }
    join(lanes, |a, b| a + b) + rest.iter().map(|value| of(*value)).sum::<f32>()
}

#[inline(always)]
fn norm_row(row: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let count = row.len() as f32;
    let mean = sum_lanes(row, |value| value) / count;
    let variance = sum_lanes(row, |value| (value - mean) * (value - mean)) / count;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((value, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
        *value = (*value - mean) * scale * weight + bias;
    }
}

#[inline(always)]
fn add_norm_body<const FUSED: bool>(state: &mut [f32], add: &[f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let width = weight.len();
    for (row, add) in state.chunks_exact_mut(width).zip(add.chunks_exact(width)) {
        row.iter_mut().zip(add).for_each(|(value, add)| *value += add);
        norm_row(row, weight, bias, epsilon);
    }
}

#[inline(always)]
fn softmax_body<const FUSED: bool>(rows: &mut [f32], row: usize, count: usize, scale: f32) {
    for row in rows.chunks_exact_mut(row) {
        let (scores, rest) = row.split_at_mut(count);
        let mut largest = [f32::NEG_INFINITY; LANES];
        let (chunks, tail) = scores.as_chunks::<LANES>();
        for chunk in chunks {
            for (largest, score) in largest.iter_mut().zip(chunk) {
                *largest = larger(*largest, *score);
            }
        }
        let largest = tail.iter().fold(join(largest, larger), |a, b| larger(a, *b)) * scale;
        scores.iter_mut().for_each(|score| *score = exp::<FUSED>(fused::<FUSED>(*score, scale, -largest)));
        let factor = 1.0 / sum_lanes(scores, |value| value);
        scores.iter_mut().for_each(|score| *score *= factor);
        rest.fill(0.0);
    }
}

/// Values of a block that share a scale.
const BLOCK: usize = 32;

#[inline(always)]
fn quantize_body<const FUSED: bool>(
    values: &[f32],
    offset: i32,
    bytes: &mut [i8],
    scales: &mut [f32],
    sums: &mut [i32],
) {
    // Adding this number rounds to the nearest whole one and leaves it in the low byte.
    const ROUND: f32 = 12_582_912.0;
    let blocks = values.as_chunks::<BLOCK>().0.iter().zip(bytes.as_chunks_mut::<BLOCK>().0);
    for ((values, bytes), (scale, sum)) in blocks.zip(scales.iter_mut().zip(sums)) {
        let mut lanes = [0f32; LANES];
        for lane in 0..LANES {
            lanes[lane] = larger(values[lane].abs(), values[lane + LANES].abs());
        }
        let largest = join(lanes, larger);
        *scale = largest / 127.0;
        let factor = if largest > 1e-30 { 127.0 / largest } else { 0.0 };
        let mut numbers = [0i32; BLOCK];
        for (number, value) in numbers.iter_mut().zip(values) {
            *number = fused::<FUSED>(*value, factor, ROUND).to_bits().wrapping_sub(ROUND.to_bits()) as i32;
        }
        for (byte, number) in bytes.iter_mut().zip(numbers) {
            *byte = number as i8;
        }
        let total = numbers.into_iter().fold(0i32, i32::wrapping_add);
        *sum = total.wrapping_mul(offset).wrapping_neg();
    }
}
