use super::*;
use crate::table::metric;
use proptest::prelude::*;

#[test]
fn the_format_follows_the_accept_header() {
    let prometheus_asks = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    for (accept, format) in [
        (None, Format::Prometheus),
        (Some("*/*"), Format::Prometheus),
        (Some("text/plain"), Format::Prometheus),
        (Some("application/openmetrics-text; q=0, text/plain"), Format::Prometheus),
        (Some("Application/OpenMetrics-Text"), Format::OpenMetrics),
        (Some(prometheus_asks), Format::OpenMetrics),
    ] {
        assert_eq!(Format::accepted(accept), format, "{accept:?}");
    }
}

#[test]
fn labels_are_escaped_and_empty_ones_left_out() {
    let mut writer = Writer::new(Format::Prometheus);
    writer.sample("a", &[("x", "back\\slash \"quoted\"\nline"), ("y", ""), ("z", "驿")], Number::Count(7));
    writer.sample("a", &[("y", "")], Number::Float(0.25));
    writer.sample("a", &[], Number::Float(f64::INFINITY));
    let wanted = "a{x=\"back\\\\slash \\\"quoted\\\"\\nline\",z=\"驿\"} 7\na 0.25\na +Inf\n";
    assert_eq!(writer.end(), wanted);
}

#[test]
fn openmetrics_names_a_counters_family_and_ends() {
    let mut writer = Writer::new(Format::OpenMetrics);
    writer.head(&metric::CACHE.row);
    writer.sample("yizhan_cache_total", &[("result", "exact")], Number::Count(1));
    let text = writer.end();
    assert!(text.contains("# TYPE yizhan_cache counter\nyizhan_cache_total{result=\"exact\"} 1\n# EOF\n"), "{text}");
}

proptest! {
    #[test]
    fn no_label_breaks_its_line(value in "\\PC*|[\\x00-\\x7f]*") {
        let mut writer = Writer::new(Format::Prometheus);
        writer.sample("a", &[("x", &value)], Number::Count(1));
        let text = writer.end();
        prop_assert_eq!(text.matches('\n').count(), 1);
        prop_assert!(text.ends_with(" 1\n"));
    }
}
