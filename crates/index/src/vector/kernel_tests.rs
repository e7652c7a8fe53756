use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_kernel_agrees_with_the_plain_sum(pairs in prop::collection::vec((-1f32..1.0, -1f32..1.0), 0..400)) {
        let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        let expected: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        prop_assert!((f64::from(dot(&a, &b)) - expected).abs() < 1e-4);
        prop_assert!((f64::from(dot_plain(&a, &b)) - expected).abs() < 1e-4);
    }
}

fn blocks<'a>(bits: &'a [u64], numbers: &'a [f32], out: &'a mut [f32]) -> impl Iterator<Item = Block<'a>> {
    let rows = bits.chunks(16).zip(numbers.as_chunks().0).zip(out.as_chunks_mut().0);
    rows.map(|((bits, numbers), out)| Block { bits, scales: numbers, offsets: numbers, out })
}

#[test]
fn every_estimate_agrees_with_the_plain_one() {
    let rows = 40;
    let residual: Vec<f32> = (0..128).map(|n| (n as f32 * 0.7).sin()).collect();
    let query = planes(&residual, 0.25);
    let bits: Vec<u64> = (0..rows * 2).map(|n| (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
    let numbers: Vec<f32> = (0..rows).map(|n| n as f32 / 40.0).collect();
    let (mut fast, mut plain) = (vec![0.0; rows], vec![0.0; rows]);
    estimate(&query, &bits, &numbers, &numbers, &mut fast);
    estimate_plain(&query, blocks(&bits, &numbers, &mut plain));
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("popcnt") {
        let mut counted = vec![0.0; rows];
        // SAFETY: the processor has POPCNT.
        unsafe { estimate_popcnt(&query, blocks(&bits, &numbers, &mut counted)) };
        assert_eq!(counted, plain);
    }
    assert!(fast.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-3), "{fast:?} {plain:?}");
    // By hand: signs times the query, row by row.
    for row in 0..rows {
        let sign = |d: usize| if bits[row / 8 * 16 + d / 64 * 8 + row % 8] >> (d % 64) & 1 == 1 { 1.0 } else { -1.0 };
        let product: f32 = (0..128).map(|d| sign(d) * residual[d]).sum();
        let expected = 0.25 + numbers[row] + numbers[row] * product;
        assert!((plain[row] - expected).abs() < 2.5, "{row}: {} and {expected}", plain[row]);
    }
}
