//! The inner loops, each with the fastest instructions that the processor has.
//!
//! It does not know files or documents.

/// Inner product of two rows of one length.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F.
            return unsafe { dot_avx512(a, b) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA.
            return unsafe { dot_avx2(a, b) };
        }
    }
    dot_plain(a, b)
}

/// Sixteen sums side by side, which compilers turn into vector instructions of any width.
#[inline(always)]
fn dot_lanes<const FUSED: bool>(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let mut sums = [0f32; 32];
    let (a_blocks, a_rest) = a.as_chunks::<32>();
    let (b_blocks, b_rest) = b.as_chunks::<32>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..32 {
            sums[lane] = if FUSED { x[lane].mul_add(y[lane], sums[lane]) } else { x[lane] * y[lane] + sums[lane] };
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    let mut width = 16;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0] + rest
}

fn dot_plain(a: &[f32], b: &[f32]) -> f32 {
    dot_lanes::<false>(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn dot_avx512(a: &[f32], b: &[f32]) -> f32 {
    dot_lanes::<true>(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn dot_avx2(a: &[f32], b: &[f32]) -> f32 {
    dot_lanes::<true>(a, b)
}

/// Rows of a block of codes.
pub(crate) const LANES: usize = 8;
/// Bits that a query keeps of each dimension.
const PLANES: usize = 4;

/// A query of four bits a dimension, one plane of bits after the other, word by word.
pub(crate) struct Query4 {
    words: Vec<[u64; PLANES]>,
    /// `estimate = base + offset + scale * (low * bits + step * product)`, the products with signs ±1.
    base: f32,
    low: f32,
    step: f32,
    /// Dimensions, and the sum of the four-bit values: what turns bits of 0 and 1 into signs.
    width: f32,
    total: f32,
}

/// Quantises a rotated query; `base` is the part of the product that all rows share.
pub(crate) fn planes(residual: &[f32], base: f32) -> Query4 {
    let low = residual.iter().copied().fold(f32::INFINITY, f32::min);
    let high = residual.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let most = ((1 << PLANES) - 1) as f32;
    let step = if high > low { (high - low) / most } else { 1.0 };
    let mut words = vec![[0u64; PLANES]; residual.len() / 64];
    let mut total = 0;
    for (dimension, value) in residual.iter().enumerate() {
        let level = ((value - low) / step).round().clamp(0.0, most) as u64;
        total += level;
        for (plane, word) in words[dimension / 64].iter_mut().enumerate() {
            *word |= (level >> plane & 1) << (dimension % 64);
        }
    }
    Query4 { words, base, low, step, width: residual.len() as f32, total: total as f32 }
}

/// Estimates products of whole blocks: `bits` has [`LANES`] words a block for each word of the
/// query, the other slices one number a row. Stops at the shortest of them.
pub(crate) fn estimate(query: &Query4, bits: &[u64], scales: &[f32], offsets: &[f32], out: &mut [f32]) {
    let blocks = bits.chunks_exact(query.words.len().max(1) * LANES);
    let numbers = scales.as_chunks().0.iter().zip(offsets.as_chunks().0);
    let out = out.as_chunks_mut().0.iter_mut();
    let lanes =
        blocks.zip(numbers).zip(out).map(|((bits, (scales, offsets)), out)| Block { bits, scales, offsets, out });
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512vpopcntdq") && is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F and VPOPCNTDQ.
            return unsafe { estimate_avx512(query, lanes) };
        }
        if is_x86_feature_detected!("popcnt") {
            // SAFETY: the processor has POPCNT.
            return unsafe { estimate_popcnt(query, lanes) };
        }
    }
    estimate_plain(query, lanes);
}

/// [`LANES`] rows of codes and where their estimates go.
struct Block<'a> {
    bits: &'a [u64],
    scales: &'a [f32; LANES],
    offsets: &'a [f32; LANES],
    out: &'a mut [f32; LANES],
}

impl Query4 {
    /// `ones` are the bits of a row, `sum` its product with the four-bit values.
    #[inline(always)]
    fn finish(&self, ones: f32, sum: f32, scale: f32, offset: f32) -> f32 {
        let signs = 2.0 * ones - self.width;
        let levels = 2.0 * sum - self.total;
        self.base + offset + scale * (self.low * signs + self.step * levels)
    }
}

#[inline(always)]
fn estimate_lanes<'a>(query: &Query4, blocks: impl Iterator<Item = Block<'a>>) {
    for block in blocks {
        for lane in 0..LANES {
            let mut ones = 0;
            let mut sums = [0u32; PLANES];
            for (row, planes) in block.bits.as_chunks::<LANES>().0.iter().zip(&query.words) {
                ones += row[lane].count_ones();
                for (sum, plane) in sums.iter_mut().zip(planes) {
                    *sum += (row[lane] & plane).count_ones();
                }
            }
            let sum: u32 = sums.iter().enumerate().map(|(plane, sum)| sum << plane).sum();
            block.out[lane] = query.finish(ones as f32, sum as f32, block.scales[lane], block.offsets[lane]);
        }
    }
}

fn estimate_plain<'a>(query: &Query4, blocks: impl Iterator<Item = Block<'a>>) {
    estimate_lanes(query, blocks);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn estimate_popcnt<'a>(query: &Query4, blocks: impl Iterator<Item = Block<'a>>) {
    estimate_lanes(query, blocks);
}

/// Eight rows a register, one instruction for their eight counts.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn estimate_avx512<'a>(query: &Query4, blocks: impl Iterator<Item = Block<'a>>) {
    use std::arch::x86_64::*;
    for block in blocks {
        let mut ones = _mm512_setzero_si512();
        let mut sums = [_mm512_setzero_si512(); PLANES];
        for (row, planes) in block.bits.as_chunks::<LANES>().0.iter().zip(&query.words) {
            // SAFETY: a row of the block is eight words, which is what is read.
            let row = unsafe { _mm512_loadu_si512(row.as_ptr().cast()) };
            ones = _mm512_add_epi64(ones, _mm512_popcnt_epi64(row));
            for (sum, plane) in sums.iter_mut().zip(planes) {
                let both = _mm512_and_si512(row, _mm512_set1_epi64(*plane as i64));
                *sum = _mm512_add_epi64(*sum, _mm512_popcnt_epi64(both));
            }
        }
        let high = _mm512_add_epi64(sums[2], _mm512_slli_epi64::<1>(sums[3]));
        let low = _mm512_add_epi64(sums[0], _mm512_slli_epi64::<1>(sums[1]));
        let sum = _mm512_add_epi64(low, _mm512_slli_epi64::<2>(high));
        let mut counts = [[0i32; LANES]; 2];
        for (place, count) in counts.iter_mut().zip([ones, sum]) {
            // SAFETY: the place holds eight numbers of 32 bits, which is what is written.
            unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(count)) };
        }
        let [ones, sums] = counts;
        for lane in 0..LANES {
            let (ones, sum) = (ones[lane] as f32, sums[lane] as f32);
            block.out[lane] = query.finish(ones, sum, block.scales[lane], block.offsets[lane]);
        }
    }
}

#[cfg(test)]
#[path = "kernel_tests.rs"]
mod tests;
