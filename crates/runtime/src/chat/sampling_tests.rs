use super::*;

fn sampler(sampling: Sampling) -> Sampler {
    Sampler::new(&sampling, None)
}

#[test]
fn temperature_zero_takes_the_largest_and_skips_what_is_not_a_number() {
    let mut greedy = sampler(Sampling { temperature: Some(0.0), ..Sampling::default() });
    assert_eq!(greedy.choose(&[0.0, f32::NAN, 3.0, 3.0, -1.0], &[], &[]), Some(2));
    assert_eq!(greedy.choose(&[], &[], &[]), None);
    let mut penalized =
        sampler(Sampling { temperature: Some(0.0), presence_penalty: Some(1.0), ..Sampling::default() });
    assert_eq!(penalized.choose(&[2.5, f32::NAN, 3.0], &[2], &[2]), Some(0));
}

#[test]
fn the_same_seed_draws_the_same_and_another_seed_something_else() {
    let draw = |seed| {
        let mut one = sampler(Sampling { seed: Some(seed), temperature: Some(1.0), ..Sampling::default() });
        (0..50).map(|_| one.choose(&[0.1; 30], &[], &[])).collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}

#[test]
fn top_k_top_p_and_min_p_bound_what_can_be_drawn() {
    let logits = [5.0, 4.9, 1.0, 0.0, -3.0];
    let seen = |sampling: Sampling| {
        let mut one = sampler(Sampling { seed: Some(1), temperature: Some(5.0), ..sampling });
        let mut seen: Vec<_> = (0..500).filter_map(|_| one.choose(&logits, &[], &[])).collect();
        seen.sort_unstable();
        seen.dedup();
        seen
    };
    let off = Sampling { top_k: Some(0), top_p: Some(1.0), min_p: Some(0.0), ..Sampling::default() };
    assert_eq!(seen(off.clone()), [0, 1, 2, 3, 4]);
    assert_eq!(seen(Sampling { top_k: Some(2), ..off.clone() }), [0, 1]);
    assert_eq!(seen(Sampling { top_p: Some(0.5), ..off.clone() }), [0]);
    assert_eq!(seen(Sampling { min_p: Some(0.5), ..off.clone() }), [0, 1]);
    assert_eq!(seen(Sampling { top_p: Some(0.0), min_p: Some(1.0), ..off }), [0]);
}

#[test]
fn draws_follow_the_distribution() {
    let sampling = Sampling { seed: Some(3), temperature: Some(1.0), top_p: Some(1.0), ..Sampling::default() };
    let mut one = sampler(sampling);
    let logits = [3.0f32.ln(), 1.0f32.ln()];
    let zeros = (0..4000).filter(|_| one.choose(&logits, &[], &[]) == Some(0)).count();
    assert!((2900..3100).contains(&zeros), "{zeros} of 4000, 3000 expected");
}

#[test]
fn penalties_push_down_what_was_said() {
    let greedy = Sampling { temperature: Some(0.0), ..Sampling::default() };
    let mut frequency = sampler(Sampling { frequency_penalty: Some(0.6), ..greedy.clone() });
    assert_eq!(frequency.choose(&[1.0, 0.5], &[0], &[0]), Some(1));
    let mut repeat = sampler(Sampling { repeat_penalty: Some(3.0), ..greedy });
    assert_eq!(repeat.choose(&[1.0, 0.5], &[0], &[]), Some(1));
    assert_eq!(repeat.choose(&[1.0, 0.5], &[], &[0]), Some(0), "the repeat penalty looks at the history");
}
