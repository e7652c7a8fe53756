use super::*;
use proptest::prelude::*;

fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

proptest! {
    #[test]
    fn inner_products_stay(pairs in prop::collection::vec((-1f32..1.0, -1f32..1.0), 1..500)) {
        let (mut a, mut b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        let before = product(&a, &b);
        rotate(&mut a);
        rotate(&mut b);
        prop_assert!((product(&a, &b) - before).abs() < 1e-3, "{} and {before}", product(&a, &b));
    }
}

#[test]
fn one_dimension_is_spread_over_all() {
    for length in [64, 192, 384, 1024] {
        for axis in [0, length / 2, length - 1] {
            let mut vector = vec![0.0; length];
            vector[axis] = 1.0;
            rotate(&mut vector);
            let largest = vector.iter().fold(0f32, |most, value| most.max(value.abs()));
            assert!(largest < 0.5, "{largest} of {length} at {axis}");
        }
    }
}
