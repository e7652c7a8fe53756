use super::{Facts, Strategy, order};

fn facts(weight: u32, open: usize, price: f64) -> Facts {
    Facts { weight, open, price }
}

#[test]
fn written_loaded_and_priced_orders() {
    let targets = [facts(1, 3, 5.0), facts(2, 4, 1.0), facts(0, 0, 3.0)];
    assert_eq!(order(Strategy::Ordered, &targets), [0, 1, 2]);
    assert_eq!(order(Strategy::LeastLoaded, &targets), [1, 0, 2]);
    assert_eq!(order(Strategy::Cheapest, &targets), [1, 2, 0]);
}

#[test]
fn weights_are_kept_in_the_long_run() {
    let targets = [facts(3, 0, 0.0), facts(1, 0, 0.0), facts(0, 0, 0.0)];
    let mut first = [0; 3];
    for _ in 0..20_000 {
        let order = order(Strategy::Weighted, &targets);
        first[order[0]] += 1;
        assert_eq!(order[2], 2, "without weight it is only a fallback");
    }
    // Six standard deviations around three quarters.
    assert!((14_600..=15_400).contains(&first[0]), "{first:?}");
}
