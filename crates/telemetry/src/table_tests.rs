use super::metric::TABLE;
use super::*;
use std::collections::BTreeSet;

#[test]
fn names_and_labels_are_what_prometheus_takes() {
    let mut seen = BTreeSet::new();
    let plain = |text: &str| {
        text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && text.starts_with(|c: char| c.is_ascii_lowercase())
    };
    for row in TABLE {
        assert!(seen.insert(row.name), "{} is there twice", row.name);
        assert!(plain(row.name) && row.labels.iter().all(|label| plain(label)), "{}", row.name);
        assert_eq!(row.kind == Kind::Counter, row.name.ends_with("_total"), "{}", row.name);
        assert!(row.help().ends_with('.') && !row.help().contains('\n'), "{}: {:?}", row.name, row.help());
        assert!(!row.labels.contains(&"le"), "{}", row.name);
    }
}

/// The metrics that a file of deploy/ speaks of.
fn named(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c: char| !is_name(c));
    words.filter(|word| word.starts_with("yizhan_") || word.starts_with("process_")).collect()
}

#[test]
fn rules_and_dashboard_name_metrics_that_exist() {
    let files = [
        ("rules", include_str!("../../../deploy/prometheus/rules.yml")),
        ("dashboard", include_str!("../../../deploy/grafana/dashboards/yizhan.json")),
    ];
    for (file, text) in files {
        let names = named(text);
        assert!(names.len() > 10, "{file} names {names:?} alone");
        for name in names {
            let exists = TABLE.iter().any(|row| match row.kind {
                Kind::Histogram => ["_bucket", "_sum", "_count"].iter().any(|end| name == format!("{}{end}", row.name)),
                _ => name == row.name,
            });
            assert!(exists, "{file} speaks of {name}, which is not in the table");
        }
    }
}
