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
    assert_eq!(context.parent().map(|id| hex(&id)).as_deref(), Some("b7ad6b7169203331"));
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
    assert_eq!(context.parent(), None);
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
fn children_have_spans_of_their_own() {
    let context = begin(None, 1.0);
    let children: Vec<_> = (0..100).map(|_| context.child()).collect();
    let mut ids: Vec<_> = children.iter().chain([&context]).map(TraceContext::span).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 101);
    assert!(children.iter().all(|child| child.parent() == Some(context.span()) && child.trace() == context.trace()));
    assert!(children.iter().all(TraceContext::is_sampled));
}

proptest! {
    #[test]
    fn nothing_that_a_header_holds_panics(header in "\\PC*|[0-9a-f-]{0,60}|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.{0,9}") {
        begin(Some(&header), 0.5);
    }

    #[test]
    fn what_is_written_is_read_again(parent in "00-[0-9a-f]{31}1-[0-9a-f]{15}1-0[0-3]") {
        let read = begin(Some(&parent), 0.5);
        let passed_on = TraceContext::parse(&read.traceparent()).unwrap();
        prop_assert_eq!((passed_on.trace(), passed_on.span()), (read.trace(), read.span()));
        prop_assert_eq!(passed_on.is_sampled(), parent.ends_with('1') || parent.ends_with('3'));
        prop_assert_eq!(hex(&read.trace()), &parent[3..35]);
        prop_assert_eq!(hex(&read.parent().unwrap()), &parent[36..52]);
    }

    #[test]
    fn a_header_of_another_form_counts_as_none(
        header in "00-[0-9a-f]{31}1-[0-9a-f]{15}1-0[0-3]",
        at in 0usize..55,
        wrong in "[G-Zg-z ~.é-]",
    ) {
        let mut broken = header.clone();
        broken.replace_range(at..=at, &wrong);
        // A dash for a dash changes nothing; later versions are read as this one.
        prop_assume!(broken != header);
        prop_assert_eq!(begin(Some(&broken), 1.0), begin(None, 1.0));
    }
}
