use super::*;
use proptest::prelude::*;

#[test]
fn characters_are_never_cut_and_broken_bytes_are_marked() {
    let mut joiner = Utf8Joiner::default();
    let mut seen = Vec::new();
    for byte in "驿站🙂".as_bytes() {
        joiner.pending().push(*byte);
        seen.push(joiner.take());
    }
    seen.retain(|piece| !piece.is_empty());
    assert_eq!(seen, ["驿", "站", "🙂"]);
    joiner.pending().extend([0xff, b'a', 0xe9]);
    assert_eq!(joiner.take(), "\u{fffd}a");
    assert_eq!(joiner.finish(), "\u{fffd}");
}

#[test]
fn a_stop_sequence_is_found_across_pieces_and_its_beginning_alone_is_released() {
    let mut finder = StopFinder::new(&["END".into(), "停止".into()]);
    assert_eq!(finder.push("abE"), ("ab".into(), false));
    assert_eq!(finder.push("N"), (String::new(), false));
    assert_eq!(finder.push("x停"), ("ENx".into(), false));
    assert_eq!(finder.push("止 more"), (String::new(), true));
    let mut finder = StopFinder::new(&["END".into()]);
    assert_eq!(finder.push("xEN"), ("x".into(), false));
    assert_eq!(finder.finish(), "EN");
}

proptest! {
    #[test]
    fn any_split_shows_exactly_what_is_before_the_first_stop(
        text in "[ab停止]{0,30}",
        stops in prop::collection::vec("[ab停]{1,4}", 0..4),
        cuts in prop::collection::vec(0usize..30, 0..8),
    ) {
        let expected = stops.iter().filter_map(|stop| text.find(stop.as_str())).min();
        let mut finder = StopFinder::new(&stops);
        let mut shown = String::new();
        let mut rest = text.as_str();
        let mut stopped = false;
        for cut in cuts {
            let at = rest.char_indices().nth(cut).map_or(rest.len(), |(at, _)| at);
            let (piece, after) = rest.split_at(at);
            rest = after;
            let (more, hit) = finder.push(piece);
            shown.push_str(&more);
            if hit { stopped = true; break; }
        }
        if !stopped {
            let (more, hit) = finder.push(rest);
            shown.push_str(&more);
            stopped = hit;
        }
        if !stopped { shown.push_str(&finder.finish()); }
        prop_assert_eq!(stopped, expected.is_some());
        // A stop may be met earlier than a longer one that overlaps it from the left, which needs more text.
        let whole = &text[..expected.unwrap_or(text.len())];
        prop_assert!(shown.starts_with(whole) && stops.iter().all(|stop| !shown.contains(stop.as_str()) || !stopped));
    }

    #[test]
    fn any_bytes_in_any_split_give_the_same_text(bytes in prop::collection::vec(any::<u8>(), 0..60), cut in 0usize..60) {
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        let mut joiner = Utf8Joiner::default();
        joiner.pending().extend(first);
        let mut text = joiner.take();
        joiner.pending().extend(second);
        text.push_str(&joiner.take());
        text.push_str(&joiner.finish());
        prop_assert_eq!(text, String::from_utf8_lossy(&bytes).into_owned());
    }
}
