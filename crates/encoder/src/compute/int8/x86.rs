//! AVX-512 VNNI, AVX-VNNI and AVX2 kernels: a tile of rows by one panel at a time, sums of a block in integer
//! registers, then scaled into floats.

use super::{BLOCK, ByteWeights, GROUP, PANEL, PANEL_BLOCK, Quantized};
use crate::compute::Level;
use std::arch::x86_64::*;

/// What a tile works on; every pointer is to the tile's first element.
#[derive(Clone, Copy)]
struct Tile {
    input: *const i8,
    input_scales: *const f32,
    input_sums: *const i32,
    weights: *const u8,
    weight_scales: *const f32,
    blocks: usize,
    bias: *const f32,
    output: *mut f32,
    columns: usize,
}

/// # Safety
/// Sizes must fit each other as `super::multiply` checks, and the processor must have the level.
pub(super) unsafe fn multiply(
    level: Level,
    input: &Quantized,
    weights: &ByteWeights,
    bias: &[f32],
    output: &mut [f32],
) {
    let (blocks, columns) = (weights.blocks, bias.len());
    let rows = output.len() / columns;
    for panel in 0..columns / PANEL {
        let mut row = 0;
        while row < rows {
            // SAFETY: row and panel are below the counts that the caller has checked.
            let tile = unsafe {
                Tile {
                    input: input.bytes.as_ptr().add(row * blocks * BLOCK),
                    input_scales: input.scales.as_ptr().add(row * blocks),
                    input_sums: input.sums.as_ptr().add(row * blocks),
                    weights: weights.bytes.as_ptr().add(panel * blocks * PANEL_BLOCK),
                    weight_scales: weights.scales.as_ptr().add(panel * blocks * PANEL),
                    blocks,
                    bias: bias.as_ptr().add(panel * PANEL),
                    output: output.as_mut_ptr().add(row * columns + panel * PANEL),
                    columns,
                }
            };
            // SAFETY: the tile has at least as many rows as it is told.
            row += unsafe { run(level, tile, rows - row) };
        }
    }
}

/// Computes up to a kernel's number of rows and returns how many it did.
unsafe fn run(level: Level, tile: Tile, rows: usize) -> usize {
    // SAFETY: the caller's promise; each arm does no more rows than there are.
    unsafe {
        match (level, rows) {
            (Level::Avx512, 6..) => (avx512::<6>(tile), 6).1,
            (Level::Avx512, 4..) => (avx512::<4>(tile), 4).1,
            (Level::Avx512, 2..) => (avx512::<2>(tile), 2).1,
            (Level::Avx512, _) => (avx512::<1>(tile), 1).1,
            (Level::AvxVnni, 4..) => (avx_vnni::<4>(tile), 4).1,
            (Level::AvxVnni, 2..) => (avx_vnni::<2>(tile), 2).1,
            (Level::AvxVnni, _) => (avx_vnni::<1>(tile), 1).1,
            (_, 4..) => (avx2::<4>(tile), 4).1,
            (_, 2..) => (avx2::<2>(tile), 2).1,
            (_, _) => (avx2::<1>(tile), 1).1,
        }
    }
}

/// Outputs in one register of 16.
const WIDE: usize = 16;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn avx512<const ROWS: usize>(tile: Tile) {
    // SAFETY: the tile has ROWS rows, one panel of columns and `blocks` blocks.
    unsafe {
        let mut totals = [[_mm512_setzero_ps(); 2]; ROWS];
        let row_bytes = tile.blocks.wrapping_mul(BLOCK);
        for block in 0..tile.blocks {
            let mut sums = [[_mm512_setzero_si512(); 2]; ROWS];
            for (row, sums) in sums.iter_mut().enumerate() {
                let start = *tile.input_sums.add(row.wrapping_mul(tile.blocks).wrapping_add(block));
                *sums = [_mm512_set1_epi32(start); 2];
            }
            let input = tile.input.add(block.wrapping_mul(BLOCK));
            let weights = tile.weights.add(block.wrapping_mul(PANEL_BLOCK));
            for group in 0..BLOCK / GROUP {
                let low = _mm512_loadu_si512(weights.add(group * PANEL * GROUP).cast());
                let high = _mm512_loadu_si512(weights.add(group * PANEL * GROUP + WIDE * GROUP).cast());
                for (row, sums) in sums.iter_mut().enumerate() {
                    let four = input.add(row.wrapping_mul(row_bytes).wrapping_add(group * GROUP)).cast::<i32>();
                    let four = _mm512_set1_epi32(four.read_unaligned());
                    sums[0] = _mm512_dpbusd_epi32(sums[0], low, four);
                    sums[1] = _mm512_dpbusd_epi32(sums[1], high, four);
                }
            }
            let scales = tile.weight_scales.add(block.wrapping_mul(PANEL));
            let scales = [_mm512_loadu_ps(scales), _mm512_loadu_ps(scales.add(WIDE))];
            for (row, (totals, sums)) in totals.iter_mut().zip(sums).enumerate() {
                let scale = *tile.input_scales.add(row.wrapping_mul(tile.blocks).wrapping_add(block));
                let scale = _mm512_set1_ps(scale);
                for ((total, sum), weight_scale) in totals.iter_mut().zip(sums).zip(scales) {
                    let scale = _mm512_mul_ps(weight_scale, scale);
                    *total = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, *total);
                }
            }
        }
        for (row, totals) in totals.iter().enumerate() {
            let output = tile.output.add(row.wrapping_mul(tile.columns));
            for (half, total) in totals.iter().enumerate() {
                let bias = _mm512_loadu_ps(tile.bias.add(half * WIDE));
                _mm512_storeu_ps(output.add(half * WIDE), _mm512_add_ps(*total, bias));
            }
        }
    }
}

/// Outputs in one register of 8.
const NARROW: usize = 8;

/// One kernel for both kinds of dot product; `$dot` adds the products of unsigned and signed bytes by fours.
macro_rules! narrow_kernel {
    ($name:ident, $features:literal, $dot:ident) => {
        #[target_feature(enable = $features)]
        unsafe fn $name<const ROWS: usize>(tile: Tile) {
            // SAFETY: the tile has ROWS rows, one panel of columns and `blocks` blocks; each half of the panel is
            // two registers wide.
            unsafe {
                for half in 0..2 {
                    let first = half * 2 * NARROW;
                    let mut totals = [[_mm256_setzero_ps(); 2]; ROWS];
                    let row_bytes = tile.blocks.wrapping_mul(BLOCK);
                    for block in 0..tile.blocks {
                        let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
                        for (row, sums) in sums.iter_mut().enumerate() {
                            let start = *tile.input_sums.add(row.wrapping_mul(tile.blocks).wrapping_add(block));
                            *sums = [_mm256_set1_epi32(start); 2];
                        }
                        let input = tile.input.add(block.wrapping_mul(BLOCK));
                        let weights = tile.weights.add(block.wrapping_mul(PANEL_BLOCK) + first * GROUP);
                        for group in 0..BLOCK / GROUP {
                            let low = _mm256_loadu_si256(weights.add(group * PANEL * GROUP).cast());
                            let high = weights.add(group * PANEL * GROUP + NARROW * GROUP);
                            let high = _mm256_loadu_si256(high.cast());
                            for (row, sums) in sums.iter_mut().enumerate() {
                                let four = input.add(row.wrapping_mul(row_bytes).wrapping_add(group * GROUP));
                                let four = _mm256_set1_epi32(four.cast::<i32>().read_unaligned());
                                sums[0] = $dot(sums[0], low, four);
                                sums[1] = $dot(sums[1], high, four);
                            }
                        }
                        let scales = tile.weight_scales.add(block.wrapping_mul(PANEL) + first);
                        let scales = [_mm256_loadu_ps(scales), _mm256_loadu_ps(scales.add(NARROW))];
                        for (row, (totals, sums)) in totals.iter_mut().zip(sums).enumerate() {
                            let scale = tile.input_scales.add(row.wrapping_mul(tile.blocks).wrapping_add(block));
                            let scale = _mm256_set1_ps(*scale);
                            for ((total, sum), weight_scale) in totals.iter_mut().zip(sums).zip(scales) {
                                let scale = _mm256_mul_ps(weight_scale, scale);
                                *total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), scale, *total);
                            }
                        }
                    }
                    for (row, totals) in totals.iter().enumerate() {
                        let output = tile.output.add(row.wrapping_mul(tile.columns).wrapping_add(first));
                        for (part, total) in totals.iter().enumerate() {
                            let bias = _mm256_loadu_ps(tile.bias.add(first + part * NARROW));
                            _mm256_storeu_ps(output.add(part * NARROW), _mm256_add_ps(*total, bias));
                        }
                    }
                }
            }
        }
    };
}

narrow_kernel!(avx_vnni, "avx2,fma,avxvnni", _mm256_dpbusd_avx_epi32);
narrow_kernel!(avx2, "avx2,fma", dot_avx2);

/// Two products of at most 127 · 127 fit 16 bits, so nothing saturates.
#[inline]
#[target_feature(enable = "avx2")]
fn dot_avx2(sum: __m256i, unsigned: __m256i, signed: __m256i) -> __m256i {
    let pairs = _mm256_maddubs_epi16(unsigned, signed);
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}
