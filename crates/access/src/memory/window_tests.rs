use super::*;
use proptest::prelude::*;

const SECOND: Span = Span { length: 1000, grain: 1 };

#[test]
fn amounts_leave_after_the_span() {
    let mut window = Window::default();
    window.add(0, SECOND, 3);
    window.add(400, SECOND, 2);
    assert_eq!(window.sum(999, SECOND), 5);
    assert_eq!(window.wait(999, SECOND, 1), Duration::from_millis(1));
    assert_eq!(window.wait(999, SECOND, 4), Duration::from_millis(401));
    assert_eq!(window.reset(999, SECOND), Duration::from_millis(401));
    assert_eq!(window.sum(1000, SECOND), 2);
    assert_eq!(window.sum(1400, SECOND), 0);
    assert!(window.is_empty());
}

#[test]
fn a_clock_that_is_set_back_neither_frees_nor_blocks_for_long() {
    let mut window = Window::default();
    window.add(1_000_000, SECOND, 5);
    assert_eq!(window.sum(10, SECOND), 5);
    assert_eq!(window.sum(1011, SECOND), 0);
}

proptest! {
    /// Against a list of everything that was taken.
    #[test]
    fn no_span_ever_holds_more_than_the_list_says(
        steps in proptest::collection::vec((0i64..400, 0u64..5, any::<bool>()), 0..60),
        length in 1i64..5000,
    ) {
        let span = Span::new(length);
        let (mut window, mut list, mut now): (_, Vec<(i64, i64, u64)>, _) = (Window::default(), Vec::new(), 0);
        for (wait, amount, back) in steps {
            now += wait;
            if back && let Some((_, at, amount)) = list.pop() {
                window.take_back(at, amount);
            }
            let at = window.add(now, span, amount);
            list.push((now, at, amount));
            let least: u64 = list.iter().filter(|(took, ..)| now - took < length).map(|(.., amount)| amount).sum();
            let most: u64 =
                list.iter().filter(|(took, ..)| now - took < length + span.grain).map(|(.., amount)| amount).sum();
            let sum = window.sum(now, span);
            prop_assert!((least..=most).contains(&sum), "{least} {sum} {most}");
        }
    }
}
