//! A fixed orthogonal transform that spreads a vector's energy over all its dimensions.
//!
//! It does not know codes. Sign flips and Walsh–Hadamard transforms over the first and the last
//! power of two alternate, which needs no stored matrix and `O(d log d)` steps.

/// How often flips and transforms alternate; three are enough for one basis vector to reach all.
const ROUNDS: u64 = 4;

/// Rotates in place. Length and inner products stay. The same everywhere and for ever: codes on disk rest on it.
pub(crate) fn rotate(vector: &mut [f32]) {
    let length = vector.len();
    if length < 2 {
        return;
    }
    let power = 1usize << length.ilog2();
    for round in 0..ROUNDS {
        flip(vector, round);
        let start = if round % 2 == 0 { 0 } else { length - power };
        hadamard(&mut vector[start..start + power]);
    }
}

/// Changes signs by a pseudo-random pattern of the round (SplitMix64).
fn flip(vector: &mut [f32], round: u64) {
    for (word, values) in vector.chunks_mut(64).enumerate() {
        let mut bits = (round << 32 | word as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        for (bit, value) in values.iter_mut().enumerate() {
            *value = f32::from_bits(value.to_bits() ^ (((bits >> bit) & 1) as u32) << 31);
        }
    }
}

/// The orthonormal Walsh–Hadamard transform; the length is a power of two.
fn hadamard(values: &mut [f32]) {
    let mut half = 1;
    while half < values.len() {
        for block in values.chunks_exact_mut(half * 2) {
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = (values.len() as f32).sqrt().recip();
    values.iter_mut().for_each(|value| *value *= scale);
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
