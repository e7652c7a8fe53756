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
