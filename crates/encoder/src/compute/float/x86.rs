//! AVX-512 and AVX2 kernels: a tile of rows by one panel, its sums in registers.

use super::{PANEL, Product};
use crate::compute::Level;
use std::arch::x86_64::*;

/// What a tile works on; every pointer is to the tile's first element.
#[derive(Clone, Copy)]
struct Tile {
    depth: usize,
    left: *const f32,
    left_stride: usize,
    right: *const f32,
    right_stride: usize,
    start: *const f32,
    output: *mut f32,
    output_stride: usize,
}

/// # Safety
/// Sizes must fit each other as `Product::run` checks, and the processor must have the level.
pub(super) unsafe fn run(level: Level, product: &Product<'_>, output: &mut [f32]) {
    for panel in 0..product.panels {
        let mut row = 0;
        while row < product.rows {
            // SAFETY: row and panel are below the counts that the caller has checked.
            let tile = unsafe {
                Tile {
                    depth: product.depth,
                    left: product.left.as_ptr().add(row * product.left_stride),
                    left_stride: product.left_stride,
                    right: product.right.as_ptr().add(panel * product.panel_stride),
                    right_stride: product.right_stride,
                    start: product.start.as_ptr().add(panel * PANEL),
                    output: output.as_mut_ptr().add(row * product.output_stride + panel * PANEL),
                    output_stride: product.output_stride,
                }
            };
            // SAFETY: the tile has at least as many rows as it is told.
            row += unsafe { run_tile(level, tile, product.rows - row) };
        }
    }
}

/// Computes up to a kernel's number of rows and returns how many it did.
unsafe fn run_tile(level: Level, tile: Tile, rows: usize) -> usize {
    // SAFETY: the caller's promise; each arm does no more rows than there are.
    unsafe {
        match (level, rows) {
            (Level::Avx512, 12..) => (avx512::<12>(tile), 12).1,
            (Level::Avx512, 8..) => (avx512::<8>(tile), 8).1,
            (Level::Avx512, 4..) => (avx512::<4>(tile), 4).1,
            (Level::Avx512, 2..) => (avx512::<2>(tile), 2).1,
            (Level::Avx512, _) => (avx512::<1>(tile), 1).1,
            (_, 6..) => (avx2::<6>(tile), 6).1,
            (_, 3..) => (avx2::<3>(tile), 3).1,
            (_, _) => (avx2::<1>(tile), 1).1,
        }
    }
}

#[target_feature(enable = "avx512f")]
unsafe fn avx512<const ROWS: usize>(tile: Tile) {
    // SAFETY: the tile has ROWS rows, one panel of columns and `depth` steps.
    unsafe {
        let start = [_mm512_loadu_ps(tile.start), _mm512_loadu_ps(tile.start.add(16))];
        let mut sums = [start; ROWS];
        let (mut left, mut right) = (tile.left, tile.right);
        for _ in 0..tile.depth {
            let (low, high) = (_mm512_loadu_ps(right), _mm512_loadu_ps(right.add(16)));
            for (row, sums) in sums.iter_mut().enumerate() {
                let value = _mm512_set1_ps(*left.add(row.wrapping_mul(tile.left_stride)));
                sums[0] = _mm512_fmadd_ps(value, low, sums[0]);
                sums[1] = _mm512_fmadd_ps(value, high, sums[1]);
            }
            left = left.wrapping_add(1);
            right = right.wrapping_add(tile.right_stride);
        }
        for (row, sums) in sums.iter().enumerate() {
            let output = tile.output.add(row.wrapping_mul(tile.output_stride));
            _mm512_storeu_ps(output, sums[0]);
            _mm512_storeu_ps(output.add(16), sums[1]);
        }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const ROWS: usize>(tile: Tile) {
    // SAFETY: the tile has ROWS rows, one panel of columns and `depth` steps; each half of the panel is two
    // registers wide.
    unsafe {
        for first in [0, 16] {
            let start = tile.start.add(first);
            let mut sums = [[_mm256_loadu_ps(start), _mm256_loadu_ps(start.add(8))]; ROWS];
            let (mut left, mut right) = (tile.left, tile.right.add(first));
            for _ in 0..tile.depth {
                let (low, high) = (_mm256_loadu_ps(right), _mm256_loadu_ps(right.add(8)));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = _mm256_set1_ps(*left.add(row.wrapping_mul(tile.left_stride)));
                    sums[0] = _mm256_fmadd_ps(value, low, sums[0]);
                    sums[1] = _mm256_fmadd_ps(value, high, sums[1]);
                }
                left = left.wrapping_add(1);
                right = right.wrapping_add(tile.right_stride);
            }
            for (row, sums) in sums.iter().enumerate() {
                let output = tile.output.add(row.wrapping_mul(tile.output_stride).wrapping_add(first));
                _mm256_storeu_ps(output, sums[0]);
                _mm256_storeu_ps(output.add(8), sums[1]);
            }
        }
    }
}
