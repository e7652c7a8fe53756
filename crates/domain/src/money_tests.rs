use super::Money;

#[test]
fn it_is_exact_and_written_short() {
    for (amount, written) in [(0.0, "0"), (12.5, "12.5"), (0.000_000_137, "0.000000137"), (-3.01, "-3.01")] {
        assert_eq!(Money::from_f64(amount).unwrap().to_string(), written);
    }
    let token = Money::from_f64(0.000_000_3).unwrap();
    assert_eq!(token.times(10_000_000), Money(3 * Money::ONE));
    assert_eq!([token, token].into_iter().sum::<Money>(), Money(600));
}

#[test]
fn what_is_no_amount_is_refused_and_the_largest_saturates() {
    assert_eq!(Money::from_f64(f64::NAN), None);
    assert_eq!(Money::from_f64(1e300), None);
    assert_eq!(Money(i64::MAX) + Money(1), Money(i64::MAX));
    assert_eq!(Money(2).times(u64::MAX), Money(i64::MAX));
}
