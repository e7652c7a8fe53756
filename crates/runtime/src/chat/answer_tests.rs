use super::*;

#[test]
fn the_share_of_yes_is_a_softmax_over_both_groups() {
    let logits = [0.0, 3.0f32.ln(), 0.0, 1.0f32.ln(), 9.0];
    assert!((yes_share(&logits, &[1], &[3]) - 0.75).abs() < 1e-6);
    assert!((yes_share(&logits, &[1, 0], &[3, 2]) - 4.0 / 6.0).abs() < 1e-6);
    assert_eq!(yes_share(&[f32::NAN; 4], &[1], &[3]), 0.0);
    assert_eq!(yes_share(&[], &[1], &[3]), 0.0);
}
