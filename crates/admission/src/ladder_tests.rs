use super::{Ladder, LadderSettings, Step};
use proptest::prelude::*;
use std::time::Duration;

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn it_climbs_step_by_step_and_comes_down_after_quiet() {
    let mut ladder = Ladder::new(LadderSettings::default());
    assert_eq!(ladder.observe(0.79, at(0)), None);
    assert_eq!(ladder.observe(0.81, at(200)), Some(Step::ShortAnswers), "the first step is taken at once");
    assert_eq!(ladder.observe(0.99, at(1_100)), None, "it waits for the step's effect");
    assert_eq!(ladder.observe(0.99, at(1_200)), Some(Step::CheaperModel));
    assert_eq!(ladder.observe(0.7, at(2_300)), None, "between the marks it stays");
    assert_eq!(ladder.observe(0.5, at(3_000)), None);
    assert_eq!(ladder.observe(0.7, at(7_000)), None, "not quiet any more");
    assert_eq!(ladder.observe(0.5, at(8_000)), None);
    assert_eq!(ladder.observe(0.5, at(12_900)), None);
    assert_eq!(ladder.observe(0.5, at(13_000)), Some(Step::ShortAnswers));
    assert_eq!(ladder.observe(0.5, at(17_900)), None, "each step down takes its own quiet time");
    assert_eq!(ladder.observe(0.5, at(18_000)), Some(Step::Normal));
    assert_eq!(ladder.observe(0.1, at(99_000)), None);
}

proptest! {
    /// Whatever is measured, steps are single, and two steps up are apart.
    #[test]
    fn steps_are_single_and_apart(busy in proptest::collection::vec((0.0f64..1.2, 1u64..700), 1..200)) {
        let settings = LadderSettings::default();
        let mut ladder = Ladder::new(settings);
        let (mut now, mut before, mut raised) = (0, ladder.step(), None::<u64>);
        for (busy, pause) in busy {
            now += pause;
            if let Some(step) = ladder.observe(busy, at(now)) {
                prop_assert_eq!((step as i32 - before as i32).abs(), 1);
                if step > before {
                    prop_assert!(busy > settings.raise_above);
                    prop_assert!(raised.is_none_or(|last| now - last >= settings.raise_every_ms));
                    raised = Some(now);
                } else {
                    prop_assert!(busy < settings.lower_below);
                }
                before = step;
            }
        }
    }
}
