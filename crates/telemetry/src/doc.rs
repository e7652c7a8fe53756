//! docs/metrics.md, made from the table.

use crate::histogram::BOUNDS_MS;
use crate::table::{OPEN_LABELS, metric};
use std::fmt::Write;

/// The whole document.
pub fn document() -> String {
    let mut text = "<!-- Made by `cargo run --release -p yizhan-telemetry --example metrics_doc > docs/metrics.md`; don't edit. -->\n\n\
         # Metrics\n\n\
         `GET /metrics` gives these in Prometheus' text format, or in OpenMetrics where the scraper asks for it.\n\
         Names and labels are kept from version to version. A label without a value is left out; so is a series\n\
         that nothing was counted in.\n\n\
         | metric | type | labels | meaning |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for row in metric::TABLE {
        let labels: Vec<String> = row.labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(text, "| `{}` | {} | {} | {} |", row.name, row.kind.as_str(), labels.join(", "), row.help());
    }
    let open: Vec<String> = OPEN_LABELS.iter().map(|label| format!("`{label}`")).collect();
    let bounds: Vec<String> = BOUNDS_MS.iter().map(|bound| format!("{}", f64::from(*bound) / 1000.0)).collect();
    let _ = write!(
        text,
        "\n`model` is the model that served, else the one that was asked for; `unknown` when that may be any text\n\
         (no such model, no valid key). Each metric keeps a bounded number of series: in those that come after,\n\
         {} become `other`, so that sums stay right.\n\n\
         Histograms are of seconds, with the bounds {}.\n",
        open.join(", "),
        bounds.join(", ")
    );
    text
}

#[cfg(test)]
#[path = "doc_tests.rs"]
mod tests;
