//! Without any special instructions.

use super::{PANEL, Product};

pub(super) fn run(product: &Product<'_>, output: &mut [f32]) {
    for panel in 0..product.panels {
        let right = &product.right[panel * product.panel_stride..];
        for row in 0..product.rows {
            let mut sums = [0f32; PANEL];
            sums.copy_from_slice(&product.start[panel * PANEL..(panel + 1) * PANEL]);
            let left = &product.left[row * product.left_stride..][..product.depth];
            for (step, left) in left.iter().enumerate() {
                let right = &right[step * product.right_stride..][..PANEL];
                sums.iter_mut().zip(right).for_each(|(sum, right)| *sum += left * right);
            }
            output[row * product.output_stride + panel * PANEL..][..PANEL].copy_from_slice(&sums);
        }
    }
}
