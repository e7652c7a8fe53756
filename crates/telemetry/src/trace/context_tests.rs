use super::*;
use proptest::prelude::*;

const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn begin(header: Option<&str>, sampling: f64) -> TraceContext {
    TraceContext::begin(&CallId::new("call-0123456789abcdef01234567"), 1_700_000_000_000, header, sampling)
}

#[test]
fn a_callers_trace_goes_on() {
    let context = begin(Some(HEADER), 0.0);
    assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(context.parent_id().as_deref(), Some("b7ad6b7169203331"));
    assert!(context.is_sampled(), "the caller decides");
    let passed_on = context.traceparent();
    assert!(passed_on.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && passed_on.ends_with("-01"), "{passed_on}");
    assert!(!passed_on.contains("b7ad6b7169203331"), "our own span is the provider's parent");
    assert!(!begin(Some(&HEADER.replace("-01", "-00")), 1.0).is_sampled());
}

#[test]
fn a_trace_of_ones_own_follows_from_the_call() {
    let context = begin(None, 1.0);
    assert_eq!(context.trace_id(), "6553f1000123456789abcdef01234567");
    assert_eq!(context, begin(None, 1.0));
    assert_eq!(context.parent_id(), None);
    let other = TraceContext::begin(&CallId::new("not of our form"), 0, None, 1.0);
    assert_ne!(other.trace_id(), TraceContext::begin(&CallId::new("another"), 0, None, 1.0).trace_id());
}

#[test]
fn what_is_not_a_traceparent_is_as_if_there_were_none() {
    for header in [
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        "00-驿站驿站驿站驿站驿站驿站驿站驿-b7ad6b7169203331-01",
    ] {
        assert_eq!(begin(Some(header), 1.0), begin(None, 1.0), "{header}");
    }
    let later = begin(Some("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes"), 0.0);
    assert_eq!(later.trace_id(), "0af7651916cd43dd8448eb211c80319c", "later versions may say more");
}

#[test]
fn the_share_of_sampled_traces_is_as_asked() {
    for (sampling, least, most) in [(0.0, 0, 0), (1.0, 2_000, 2_000), (0.1, 140, 260)] {
        let sampled = (0..2_000).filter(|_| TraceContext::begin(&CallId::random(), 0, None, sampling).is_sampled());
        let count = sampled.count();
        assert!((least..=most).contains(&count), "{sampling}: {count} of 2000");
    }
}

#[test]
fn attempts_have_spans_of_their_own() {
    let context = begin(None, 1.0);
    let ids = [context.span_id(), context.attempt_id(0), context.attempt_id(1)];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}

proptest! {
    #[test]
    fn nothing_that_a_header_holds_panics(header in "\\PC*|[0-9a-f-]{0,60}") {
        begin(Some(&header), 0.5);
        TraceContext::from_note(&header);
    }

    #[test]
    fn a_note_is_read_as_it_was_written(parent in "00-[0-9a-f]{31}1-[0-9a-f]{15}1-0[0-3]", random in any::<bool>()) {
        let context = begin(random.then_some(parent.as_str()), 0.5);
        prop_assert_eq!(TraceContext::from_note(&context.to_string()), Some(context));
    }
}
