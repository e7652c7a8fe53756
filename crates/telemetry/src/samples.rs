//! Numbers that are looked up when somebody scrapes: the registered sources write them here.
//!
//! It does not know where they come from.

use crate::table::{Metric, Row};
use crate::text::{Number, Writer};
use std::collections::BTreeMap;

type Series = BTreeMap<Vec<String>, f64>;

/// What the sources say now.
#[derive(Debug, Default)]
pub struct Samples(BTreeMap<&'static str, Series>);

impl Samples {
    /// The present value of a metric with these labels. Said twice (two routes with the same target), the
    /// greater value counts: with gauges of trouble that is the worse one.
    pub fn set<const N: usize>(&mut self, metric: &Metric<N>, labels: [&str; N], value: f64) {
        let series = self.0.entry(metric.row.name).or_default();
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        series.entry(labels).and_modify(|before| *before = before.max(value)).or_insert(value);
    }

    /// Writes what was said of this metric.
    pub(crate) fn write(&self, row: &Row, writer: &mut Writer) {
        let Some(series) = self.0.get(row.name) else { return };
        writer.head(row);
        for (values, number) in series {
            let labels: Vec<(&str, &str)> = row.labels.iter().copied().zip(values.iter().map(String::as_str)).collect();
            writer.sample(row.name, &labels, Number::Float(*number));
        }
    }
}
