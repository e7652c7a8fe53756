use super::*;
use proptest::prelude::*;

#[test]
fn the_generator_is_the_published_one() {
    // The first outputs of SplitMix64 for the seed 1234567, as in its authors' test vectors.
    let mut random = SplitMix64(1_234_567);
    assert_eq!(random.next(), 6_457_827_717_110_365_317);
    assert_eq!(random.next(), 3_203_168_211_198_807_973);
}

#[test]
fn quantiles_lie_between_neighbours() {
    assert_eq!(quantile(&[], 0.5), 0.0);
    assert_eq!(quantile(&[3.0], 0.99), 3.0);
    assert_eq!(quantile(&[0.0, 1.0, 2.0, 10.0], 0.5), 1.5);
    assert_eq!(quantile(&[0.0, 1.0, 2.0, 10.0], 1.0), 10.0);
}

#[test]
fn the_interval_is_about_as_wide_as_the_normal_one() {
    // 900 of 1,000: standard error √(0.9 · 0.1 / 1000) = 0.009487, times 1.96 is 0.0186.
    let scores: Vec<f64> = (0..1_000).map(|number| if number < 900 { 1.0 } else { 0.0 }).collect();
    let figure = interval(&scores);
    assert!((figure.value - 0.9).abs() < 1e-12);
    assert!((figure.low - 0.8814).abs() < 0.004, "{figure:?}");
    assert!((figure.high - 0.9186).abs() < 0.004, "{figure:?}");
}

#[test]
fn one_score_and_equal_scores_have_no_width() {
    for scores in [vec![0.3], vec![1.0; 7], vec![0.1; 1_000]] {
        let figure = interval(&scores);
        assert!((figure.high - figure.low).abs() < 1e-12 && (figure.value - scores[0]).abs() < 1e-12);
    }
    assert_eq!(interval(&[]).high, 0.0);
    // Nothing sensible, but no panic either.
    interval(&[f64::NAN, f64::INFINITY, -1.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_does_not_matter_and_the_ends_enclose(mut scores in proptest::collection::vec(0.0f64..=1.0, 1..60), turn in 0usize..60) {
        let figure = interval(&scores);
        prop_assert!(0.0 <= figure.low && figure.low <= figure.value && figure.value <= figure.high && figure.high <= 1.0);
        let turn = turn % scores.len();
        scores.rotate_left(turn);
        scores.reverse();
        prop_assert_eq!(interval(&scores), figure);
    }
}
